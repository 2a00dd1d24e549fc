// Package evtx reads Windows event log files (.evtx) from any [io.Reader], one chunk of 64 KiB at a time, whatever
// the size of the file. It imports the standard library only.
//
//	r := evtx.NewReader(file, evtx.Options{})
//	for record, err := range r.Records() {
//		if damage, ok := errors.AsType[*evtx.DamageError](err); ok {
//			fmt.Println(damage) // something in the file is broken; reading goes on
//			continue
//		} else if err != nil {
//			return err // the file cannot be read any further, or is no event log
//		}
//		for _, field := range record.Fields {
//			fmt.Printf("%s=%s\n", field.Name, field.Value)
//		}
//	}
//
// # Nothing is lost silently
//
// The header of each chunk says which record numbers are inside. Each of them is either given as a [Record] or
// counted in a [DamageError] with its place and reason. Checksums are proved; a wrong one is told and reading goes
// on. Offsets, sizes and counts of the file are never believed: they may lie, point outside, or make circles.
//
// # Fields and JSON
//
// Windows stores the layout of an event once per chunk (a template) and only the values with each record. The reader
// compiles each template once into a list of steps, so that a record costs its values only. A record has two faces:
//
//   - [Record.Fields], flat names and values as rules are written for: spaces taken out, attributes joined with "_"
//     (Provider_Name), nested elements with "." and the levels Event, System, EventData and UserData dropped, the
//     last with the one element inside that only names the kind of event (UserData/EventXML/Address is Address).
//     An unnamed Data element is "Data". Lists repeat their name. Namespaces (xmlns) are left out.
//   - [Record.AppendJSON], the whole tree in the shape that common tools print: "#attributes" and "#text", a Data
//     element under the value of its Name, repeated names as Name, Name_1, Name_2.
//
// In both, a GUID is in capitals without braces, a time is UTC with six digits of a second, hexadecimal numbers are
// text with 0x, binary values are hexadecimal digits in capitals.
//
// Sources: the published descriptions of the format (MS-EVEN6 for binary XML) and files written by Windows.
package evtx
