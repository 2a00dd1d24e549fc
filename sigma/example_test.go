package sigma_test

import (
	"fmt"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

func Example() {
	documents, err := sigma.Parse("whoami.yml", []byte(`
title: Whoami Execution
logsource: {product: windows, category: process_creation}
detection:
    selection:
        Image|endswith: '\whoami.exe'
    condition: selection
level: high
`))
	if err != nil {
		fmt.Println(err)
	}
	rules, problems := sigma.Compile(documents, sigma.Options{})
	for _, p := range problems {
		fmt.Println(p)
	}

	decoder, matcher := jsonlines.NewDecoder(jsonlines.Limits{}), rules.NewMatcher()
	var event sigma.Event
	line := `{"Event":{"System":{"Channel":"Security","EventID":4688},"EventData":{"NewProcessName":"C:\\Windows\\System32\\whoami.exe"}}}`
	if err := decoder.Decode([]byte(line), &event); err != nil {
		fmt.Println(err)
	}
	for _, hit := range matcher.Match(&event) {
		why := hit.Why()[0]
		fmt.Printf("%s (%s): %s %s %s at byte %d\n", hit.Rule.Title, hit.Rule.Level, why.EventName, why.Op, why.Pattern, why.Offset)
	}
	// Output: Whoami Execution (high): NewProcessName endswith \whoami.exe at byte 19
}
