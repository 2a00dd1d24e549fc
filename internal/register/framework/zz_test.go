package framework
import ("testing";"time";"github.com/kizuki-security/kizuki/catalog";"io/fs")
func TestZZ(t *testing.T){
 for range 3 { s:=time.Now(); data,_:=fs.ReadFile(catalog.FS,"scs-20260327.yaml"); _,err:=readFramework("scs",data); t.Log(len(data),time.Since(s),err) }
 s:=time.Now(); _,err:=Load(catalog.FS); t.Log(time.Since(s),err)
}
