package correlate_test

import (
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
)

func Example() {
	documents, _ := sigma.Parse("guess.yml", []byte(`
title: Failed sign-in
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Passwords are being guessed
correlation: {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 3}}
`))
	rules, _ := sigma.Compile(documents, sigma.Options{})
	matcher := rules.NewMatcher()
	engine, _ := correlate.New(documents, rules.Rules(), correlate.Options{})

	begin := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	var alerts []correlate.Alert
	for i := range 5 {
		event := sigma.Event{Time: begin.Add(time.Duration(i) * time.Minute), Fields: []sigma.Field{
			{Name: "Channel", Value: []byte("Security")},
			{Name: "EventID", Value: []byte("4625"), Kind: sigma.Number},
			{Name: "TargetUserName", Value: []byte("tanaka")},
		}}
		alerts = append(alerts, engine.Add(&event, matcher.Match(&event))...)
	}
	alerts = append(alerts, engine.Close()...)
	for _, a := range alerts {
		fmt.Println(a.Time.Format(time.TimeOnly), a.Correlation.Title, a.Group[0].Value)
	}
	// Output: 09:02:00 Passwords are being guessed tanaka
}
