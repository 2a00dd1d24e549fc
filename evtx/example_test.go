package evtx_test

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// log makes a small event log; a program would open a file.
func exampleLog() []byte {
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	c := evtxtest.NewChunk()
	c.Add(1, at, evtxtest.NewRecord(evtxtest.NewEvent(1), evtxtest.System{
		Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", Computer: "pc-07", EventID: 4625, Record: 1, Time: at,
	}, evtxtest.Of(evtxtest.NewEventData(2, "TargetUserName", "LogonType", "IpAddress"),
		evtxtest.Text("suzuki"), evtxtest.Number(evtxtest.Uint32, 4, 3), evtxtest.Text("192.168.1.9"))))
	c.AddRaw(2, at, []byte{0x0f, 1, 1, 0, 0x77}) // no mark of binary XML
	return evtxtest.File(c)
}

func Example() {
	r := evtx.NewReader(bytes.NewReader(exampleLog()), evtx.Options{})
	for record, err := range r.Records() {
		if damage, ok := errors.AsType[*evtx.DamageError](err); ok {
			fmt.Println(damage)
			continue
		} else if err != nil {
			fmt.Println("cannot be read:", err)
			return
		}
		fmt.Println(record.Time.Format(time.DateTime), record.Computer, record.Channel, record.EventID)
		for _, f := range record.Fields[len(record.Fields)-3:] {
			fmt.Printf("  %s = %s\n", f.Name, f.Value)
		}
	}
	fmt.Printf("%d of %d records\n", r.Stats().Read, r.Stats().Expected)
	// Output:
	// 2026-11-24 09:30:00 pc-07 Security 4625
	//   TargetUserName = suzuki
	//   LogonType = 3
	//   IpAddress = 192.168.1.9
	// evtx: chunk 0, record 2 lost, offset 6272: an unknown mark in the binary XML
	// 1 of 2 records
}

func ExampleRecord_AppendJSON() {
	r := evtx.NewReader(bytes.NewReader(exampleLog()), evtx.Options{})
	record, err := r.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	line, err := record.AppendJSON(nil)
	fmt.Println(string(line[len(line)-69:]), err)
	// Output: {"TargetUserName":"suzuki","LogonType":3,"IpAddress":"192.168.1.9"}}} <nil>
}
