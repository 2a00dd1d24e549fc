package jsonlines

import (
	"slices"
	"strings"
)

// names keeps the flat name of every path seen, as a tree: a node is found by its parent and its key.
type names struct {
	nodes []node
	slots []int32 // place in nodes plus one
	bytes int
}

type node struct {
	parent int32
	key    string
	name   string // flat; empty for a level that is dropped
	prefix string // what stands before the names below
	level  level
	time   uint8 // rank as the time of the event; 0: none
}

// level says how names below a node are made.
type level uint8

const (
	plain      level = iota
	top              // the object itself
	eventTree        // Event
	wrapped          // System, EventData: dropped
	userData         // dropped, and so is the one element below it
	attributes       // joined with "_"
	ignored
	winlog
)

const (
	root     = 0
	maxNodes = 1 << 15
	maxBytes = 8 << 20
	logSlots = 16
)

func (n *names) full() bool { return len(n.nodes) >= maxNodes || n.bytes > maxBytes }

func (n *names) reset() {
	n.nodes = append(n.nodes[:0], node{level: top})
	n.bytes = 0
	if n.slots == nil {
		n.slots = make([]int32, 1<<logSlots)
	}
	clear(n.slots)
}

func hash(parent int32, key []byte) uint32 {
	h := uint64(parent)*0x9E3779B97F4A7C15 + uint64(len(key))
	for len(key) >= 8 {
		w := uint64(key[0]) | uint64(key[1])<<8 | uint64(key[2])<<16 | uint64(key[3])<<24 |
			uint64(key[4])<<32 | uint64(key[5])<<40 | uint64(key[6])<<48 | uint64(key[7])<<56
		h = (h ^ w) * 0xD6E8FEB86659FD93
		h ^= h >> 32
		key = key[8:]
	}
	var w uint64
	for i, c := range key {
		w |= uint64(c) << (8 * i)
	}
	h = (h ^ w) * 0xD6E8FEB86659FD93
	return uint32(h >> (64 - logSlots))
}

// child gives the node of a key below a node, or -1 when there are too many. The table is emptied between events
// when it is full; what one event may add to it is limited here.
func (n *names) child(parent int32, key []byte) int32 {
	for i := hash(parent, key); ; i = (i + 1) & (1<<logSlots - 1) {
		at := n.slots[i]
		if at == 0 {
			if len(n.nodes) >= maxNodes+maxNodes/2 {
				return -1
			}
			id := n.add(parent, key)
			n.slots[i] = id + 1
			return id
		}
		if x := &n.nodes[at-1]; x.parent == parent && x.key == string(key) {
			return at - 1
		}
	}
}

func (n *names) add(parent int32, key []byte) int32 {
	p := n.nodes[parent]
	x := node{parent: parent, key: string(key)}
	x.place(&p, strings.ReplaceAll(strings.ToValidUTF8(x.key, "\uFFFD"), " ", ""))
	if x.name != "" {
		x.time = uint8(slices.Index(times, x.name) + 1)
	}
	n.nodes = append(n.nodes, x)
	n.bytes += len(x.key) + len(x.name) + len(x.prefix) + 100
	return int32(len(n.nodes) - 1)
}

// place gives the node its name and says how names below it are made.
func (x *node) place(p *node, key string) {
	switch {
	case p.level == ignored:
		x.level = ignored
		return
	case key == "#attributes":
		x.level, x.prefix = attributes, strings.TrimSuffix(p.prefix, ".")+"_"
		if x.prefix == "_" { // a level that is dropped
			x.prefix = strings.ReplaceAll(p.key, " ", "") + "_"
		}
		return
	case p.level == attributes && (key == "xmlns" || strings.HasPrefix(key, "xmlns:")):
		x.level = ignored
		return
	case key == "#text":
		x.name, x.prefix = strings.TrimSuffix(p.prefix, "."), p.prefix
		return
	case p.level == top && key == "Event":
		x.level = eventTree
		return
	case p.level == eventTree && (key == "System" || key == "EventData"),
		p.level == winlog && key == "event_data":
		x.level = wrapped
		return
	case p.level == eventTree && key == "UserData", p.level == winlog && key == "user_data":
		x.level = userData
		return
	case p.level == userData && p.key == "UserData":
		// The one element of UserData has a name of its own that rules leave out.
		x.level = wrapped
		return
	case p.level == top && key == "winlog":
		x.level, x.prefix = winlog, "winlog."
		return
	case p.level == winlog && winlogNames[key] != "":
		x.name = winlogNames[key]
		x.prefix = x.name + "."
		return
	}
	x.name = p.prefix + key
	x.prefix = x.name + "."
	if p.level == attributes {
		x.level = plain
	}
}

var winlogNames = map[string]string{
	"channel": "Channel", "event_id": "EventID", "provider_name": "Provider_Name", "provider_guid": "Provider_Guid",
	"computer_name": "Computer", "record_id": "EventRecordID", "task": "Task", "opcode": "Opcode", "version": "Version",
}

// times are the fields that may say when an event happened, the best last.
var times = []string{"time", "timestamp", "EventTime", "UtcTime", "TimeCreated", "@timestamp", "TimeCreated_SystemTime"}
