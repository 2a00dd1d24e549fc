package sigmatest

import "testing"

const fewestVectors = 250

func TestReference(t *testing.T) {
	t.Parallel()
	RunVectors(t, Reference())
}

func TestVectorsAreMany(t *testing.T) {
	t.Parallel()
	all, err := Vectors()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.File+v.Name] {
			t.Errorf("%s: %q occurs twice", v.File, v.Name)
		}
		seen[v.File+v.Name] = true
	}
	if len(all) < fewestVectors {
		t.Errorf("%d vectors, want %d", len(all), fewestVectors)
	}
}
