package walls

import (
	"path"
	"slices"
	"strings"
	"unicode"
)

// The floors, from the ground up; an arrow points to a lower floor. Rooms of one floor are listed where
// the design names them: a folder nobody drew is refused, so that drawing comes before building.
var (
	// Sideways arrows inside these two floors go to an earlier room only.
	registerOrder = []string{
		"actor", "audit", "fact", "due", "personal", "framework", "attach", "link", "verdict", "org", "people", "account",
		"outbox", "intake", "stocktake", "backup",
	}
	wordsOrder = []string{"problem", "jtext", "jdate"}
	// platform has few sideways arrows; each stands here by name.
	platformRooms = map[string][]string{
		"archive":     nil,
		"certificate": nil,
		"chart":       nil,
		"completion":  nil,
		"config":      nil,
		"disk":        nil,
		"i18n":        nil,
		"job":         {"sqlite"},
		"mail":        nil,
		"metrics":     nil,
		"notify":      nil,
		"outward":     nil,
		"secret":      nil,
		"sheet":       nil,
		"sqlite":      nil,
		"web":         {"i18n", "sheet", "sqlite"}, // sheet: every list is exported the same way (web.Export)
	}
	officeRooms = []string{
		"home", "assessment", "policy", "ledger", "service", "accessreview", "supplier", "training",
		"advisory", "incident", "logbook", "detection", "drill", "diagnosis", "desk", "watch",
	}
	logRooms     = []string{"event", "parse", "scan", "collect", "lake", "query", "detect", "victoria", "archive", "logstest"}
	contentRooms = []string{"catalog", "rules", "lessons", "playbooks", "parsers"}
	libraryRooms = []string{"sigma", "evtx"}
	// Commands that judge what the house wrote: standard library only.
	lonelyCommands = []string{"kizuki-logproof"}
	// These two features join the office and the log pipeline.
	logFeatures = []string{"detection", "logbook"}
)

// place is where a package lives: "internal/office/training/quiz" is floor office, room training, and
// quiz inside the room. The floor is empty for a folder that the design does not draw.
type place struct{ floor, room, inside string }

func placeOf(dir string) place {
	parts := strings.Split(dir, "/")
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	rest := func(i int) string {
		if i < len(parts) {
			return strings.Join(parts[i:], "/")
		}
		return ""
	}
	switch first := at(0); {
	case first == "docs": // generators of pages of the manual read what they show, like tests
		return place{"test", "docs", rest(1)}
	case first == "cmd", first == "test", first == "scripts":
		return place{first, at(1), rest(2)}
	case slices.Contains(contentRooms, first):
		return place{"content", first, rest(1)}
	case slices.Contains(libraryRooms, first):
		return place{"library", first, rest(1)}
	case first != "internal":
		return place{}
	}
	room := at(2)
	known := false
	switch at(1) {
	case "app":
		return place{"app", "app", rest(2)}
	case "office":
		known = slices.Contains(officeRooms, room)
	case "register":
		known = slices.Contains(registerOrder, room)
	case "platform":
		_, known = platformRooms[room]
	case "words":
		known = slices.Contains(wordsOrder, room)
	case "logs":
		known = slices.Contains(logRooms, room)
	}
	if !known {
		return place{}
	}
	return place{at(1), room, rest(3)}
}

// refusal says why package from must not import package to (both from the root of the module), or "".
// Arrows between folders of one room are judged by refusalInside.
func refusal(from, to string) string {
	a, b := placeOf(from), placeOf(to)
	switch {
	case a.floor == "":
		return "the design draws no folder " + from
	case b.floor == "":
		return "the design draws no folder " + to
	case a.floor == b.floor && a.room == b.room:
		return ""
	case b.floor == "cmd" || b.floor == "scripts" || b.floor == "test" && a.floor != "test":
		return "nothing imports cmd, scripts or test: what others need belongs on a floor"
	case strings.HasSuffix(to, "test") && !strings.HasSuffix(from, "test") && a.floor != "test":
		return "test support is imported by tests only"
	}
	switch a.floor {
	case "test":
		return ""
	case "scripts":
		return "a script's helper imports nothing of ours: it must build when the house does not"
	case "cmd":
		if slices.Contains(lonelyCommands, a.room) {
			return "this command checks what others of ours wrote, and shares no code with them"
		}
		return refusalCmd(b)
	case "app":
		return ""
	case "content":
		return "content folders are data: they import nothing of ours"
	case "library":
		return "sigma and evtx are libraries for everybody: they import nothing of ours"
	case "logs":
		return refusalLogs(b)
	}
	return refusalHouse(a, b)
}

func refusalCmd(b place) string {
	switch b.floor {
	case "app", "platform", "words", "content":
		return ""
	}
	return "cmd parses the command line and calls app; it knows no feature, register or log"
}

func refusalLogs(b place) string {
	if b.floor == "logs" || b.floor == "library" || b.floor == "words" || b.floor == "content" && b.room == "parsers" {
		return ""
	}
	return "the log pipeline stands apart and runs alone: it imports logs, sigma, evtx, parsers and words only"
}

// refusalHouse judges the floors office, register, platform and words.
func refusalHouse(a, b place) string {
	floors := []string{"words", "platform", "register", "office", "app"}
	switch {
	case b.floor == "content":
		return ""
	case b.floor == "logs" || b.floor == "library":
		if a.floor == "office" && slices.Contains(logFeatures, a.room) {
			return ""
		}
		return "only app, detection and logbook see the log pipeline; others get its facts"
	case slices.Index(floors, b.floor) < slices.Index(floors, a.floor):
		return ""
	case a.floor != b.floor:
		return "imports point down the floors (app, office, register, platform, words), never up"
	}
	switch a.floor {
	case "office":
		return "features never import features: pass facts, duties, or a function that app hands over"
	case "register":
		return refusalOrder(registerOrder, a.room, b.room)
	case "words":
		return refusalOrder(wordsOrder, a.room, b.room)
	}
	if slices.Contains(platformRooms[a.room], b.room) {
		return ""
	}
	return "inside platform only the arrows drawn in test/walls exist; draw it there with a reason, or do without"
}

func refusalOrder(order []string, from, to string) string {
	if slices.Index(order, to) < slices.Index(order, from) {
		return ""
	}
	return "inside its floor a package imports earlier ones only: " + strings.Join(order, " ← ")
}

// refusalTest judges what only the tests of a package import: more than the package itself may, but
// nothing above it.
func refusalTest(from, to string) string {
	a, b := placeOf(from), placeOf(to)
	switch {
	case a.floor == "" || a.floor == "test" || a.floor == "app":
		return ""
	case a.floor == "office" && b.floor == "office" && a.room != b.room:
		return "a test of one feature needs no other feature: what crosses features is tested in app or test"
	case a.floor == "cmd" && b.floor == "app":
		return ""
	case b.floor == "app" || b.floor == "cmd" || b.floor == "office" && a.floor != "office":
		return "a test that needs the upper floors stands in app or test"
	}
	return ""
}

// refusalInside judges an arrow between two folders of one room. A room and its own subfolders may
// import each other as the compiler allows; siblings only as drawn, "a → b", in the room's package doc.
func refusalInside(from, to string, drawn map[string][]string) string {
	a, b := placeOf(from), placeOf(to)
	if a.floor != b.floor || a.room != b.room || a.inside == "" || b.inside == "" {
		return ""
	}
	one, _, _ := strings.Cut(a.inside, "/")
	other, _, _ := strings.Cut(b.inside, "/")
	if one == other || slices.Contains(drawn[one], other) {
		return ""
	}
	if strings.HasSuffix(one, "test") {
		return "" // test support may use its neighbours
	}
	return "siblings import each other only as drawn: write \"" + one + " → " + other + "\" into the package doc of " + a.room
}

// drawnArrows reads the lines "a → b, c" of a package doc; "room/a → room/b" is as good.
func drawnArrows(doc string) map[string][]string {
	arrows := map[string][]string{}
	for line := range strings.Lines(doc) {
		from, to, ok := strings.Cut(line, "→")
		from = strings.TrimSpace(from)
		if !ok || from == "" || strings.ContainsAny(from, " \t") {
			continue
		}
		from = path.Base(from)
		for _, name := range strings.FieldsFunc(to, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			arrows[from] = append(arrows[from], path.Base(name))
		}
	}
	return arrows
}
