package assessment

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Board is one framework with everything that is known and answered about it. It is shared between readers and
// must not be changed.
type Board struct {
	*Outline
	Round    *Round // in which answers count; nil: none was opened yet
	Previous *Round // 前年; nil: none
	Items    []*Item
	Today    jdate.Day

	byItem map[string]*Item
}

// Item is one item with its clauses.
type Item struct {
	Node        *framework.Node
	Official    *OfficialItem // imported wording; nil: none
	Clauses     []*Clause
	Answer      *Answer        // at the item itself; nil: none
	Version     int            // of the answer at the item, one that was taken back included
	State       verdict.Result // ○ △ × ？ －
	Value       verdict.Value  // from records and answers
	AnswerValue verdict.Value  // from the answers alone: what the sheet carries
	Past        *Past          // 前年; nil: not in the round before
	Meta        ItemMeta
	place       int
}

// Clause is one clause with the records' verdict, the answer and what counts.
type Clause struct {
	*framework.Clause
	Verdict   verdict.Verdict
	Answer    *Answer        // at the clause itself; nil: none
	Version   int            // of that answer, one that was taken back included
	Effective verdict.Answer // the answer that counts: its own, else the one at its item
	State     verdict.ClauseState
	Proposed  bool // one click answers 達成: the records say so, or nobody was concerned in the period
}

// Open says whether the clause belongs to the gaps.
func (c *Clause) Open() bool { return c.State.Open() }

// Item finds an item of the board, nil when there is none.
func (b *Board) Item(id string) *Item { return b.byItem[id] }

// Unanswered counts the items that the sheet would show without a value.
func (b *Board) Unanswered() int {
	n := 0
	for _, it := range b.Items {
		if it.AnswerValue == verdict.Unanswered {
			n++
		}
	}
	return n
}

// Neighbours gives the items before and after, nil at the ends.
func (b *Board) Neighbours(it *Item) (before, after *Item) {
	if it.place > 0 {
		before = b.Items[it.place-1]
	}
	if it.place+1 < len(b.Items) {
		after = b.Items[it.place+1]
	}
	return before, after
}

// OpenClauses counts the gaps of the item.
func (it *Item) OpenClauses() int {
	n := 0
	for _, c := range it.Clauses {
		if c.Open() {
			n++
		}
	}
	return n
}

// Proposed lists the clauses that one click would answer as the records say.
func (it *Item) Proposed() []*Clause {
	var out []*Clause
	for _, c := range it.Clauses {
		if c.Proposed {
			out = append(out, c)
		}
	}
	return out
}

// Label is the label that the item belongs to, nil when the framework has none.
func (it *Item) Label() *framework.Node { return LabelOf(it.Node) }

// LabelOf gives the label of a node; frameworks without labels are grouped by subcategory.
func LabelOf(n *framework.Node) *framework.Node {
	for _, kind := range []string{"label", "subcategory", "category"} {
		if up := n.Up(kind); up != nil {
			return up
		}
	}
	return nil
}

// Contradiction is one line of 回答と記録の食い違い.
type Contradiction struct {
	Board  *Board
	Item   *Item
	Clause *Clause
}

// Contradictions lists where answers and records cannot both be right, those held with a reason included.
func (b *Board) Contradictions() []Contradiction {
	var out []Contradiction
	for _, it := range b.Items {
		for _, c := range it.Clauses {
			if c.State.Conflict {
				out = append(out, Contradiction{b, it, c})
			}
		}
	}
	return out
}

type cachedBoard struct {
	change string
	today  jdate.Day
	board  *Board
}

// Board returns one framework with verdicts, answers and states. Problem codes: forbidden, not_found.
func (s *Service) Board(ctx context.Context, tx *sqlite.Tx, key string) (*Board, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	return s.board(ctx, tx, key)
}

// board keeps the last board of each framework in memory. It is valid for as long as the database carries the same
// change name and the day is the same.
func (s *Service) board(ctx context.Context, tx *sqlite.Tx, key string) (*Board, error) {
	st, err := findStatus(ctx, tx)
	if err != nil {
		return nil, err
	}
	today := jdate.Of(tx.Now)
	s.mu.Lock()
	cached := s.boards[key]
	s.mu.Unlock()
	if cached.board != nil && cached.change == st.change && cached.today == today {
		return cached.board, nil
	}
	b, err := s.build(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.boards[key] = cachedBoard{st.change, today, b}
	s.mu.Unlock()
	return b, nil
}

func (s *Service) build(ctx context.Context, tx *sqlite.Tx, key string) (*Board, error) {
	outline, err := s.Outline(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	rounds, err := findRounds(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	st, err := standingOf(ctx, tx, rounds, key)
	if err != nil {
		return nil, err
	}
	rows, err := findJudgedOf(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	meta, err := findItems(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	past := map[string]Past{}
	if st.previous != nil {
		if past, err = findResults(ctx, tx, st.previous.ID); err != nil {
			return nil, err
		}
	}
	b := &Board{Outline: outline, Round: st.round, Previous: st.previous, Today: jdate.Of(tx.Now), byItem: map[string]*Item{}}
	for i, node := range outline.Items() {
		it := &Item{Node: node, Official: outline.Official[node.ID], Answer: st.answers[node.ID].present(), Version: st.version(node.ID), Meta: meta[node.ID], place: i}
		if p, has := past[node.ID]; has {
			it.Past = &p
		}
		if err := it.fill(st, rows, b.Today); err != nil {
			return nil, err
		}
		b.Items = append(b.Items, it)
		b.byItem[node.ID] = it
	}
	return b, nil
}

// present hides answers that were taken back.
func (a *Answer) present() *Answer {
	if a == nil || a.Value == None {
		return nil
	}
	return a
}

// version is what the next answer at a node must name. Over a locked round the next answer is the first of a new one.
func (st *standing) version(node string) int {
	a := st.answers[node]
	if a == nil || st.round.Locked() {
		return 0
	}
	return a.Version
}

func (it *Item) fill(st *standing, rows map[string]judged, today jdate.Day) error {
	states := make([]verdict.ClauseState, 0, len(it.Node.Clauses))
	answers := make([]verdict.Answer, 0, len(it.Node.Clauses))
	for _, c := range it.Node.Clauses {
		v, err := rows[c.ID].verdict()
		if err != nil {
			return err
		}
		cl := &Clause{Clause: c, Verdict: v, Answer: st.answers[c.ID].present(), Version: st.version(c.ID), Effective: st.effective(c), State: st.state(c, v, today)}
		// An empty period is confirmed as 達成 too: the verdict keeps it 該当なし for as long as it stays empty, and the sheet
		// gets its value. As an answer 該当なし it would go on standing when somebody is concerned.
		cl.Proposed = cl.State.Proposed || v.Empty && !cl.Effective.Given && !st.round.Locked()
		it.Clauses = append(it.Clauses, cl)
		states = append(states, cl.State)
		answers = append(answers, st.answers[c.ID].Engine())
	}
	at := st.answers[it.Node.ID].Engine()
	it.State = verdict.ItemState(states, at)
	it.Value = verdict.ItemValue(states, at)
	it.AnswerValue = verdict.AnswerValue(answers, at)
	return nil
}

// Target is one framework up to the level that the company wants to reach.
type Target struct {
	Board *Board
	Level string // id of the highest level asked for
}

// Targets gives the boards of the frameworks that the company wants to meet, in the order of the catalogue.
func (s *Service) Targets(ctx context.Context, tx *sqlite.Tx) ([]Target, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	return s.targets(ctx, tx)
}

func (s *Service) targets(ctx context.Context, tx *sqlite.Tx) ([]Target, error) {
	company, err := s.company(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []Target
	for _, id := range slices.Sorted(maps.Keys(company.Targets)) {
		level := company.Targets[id]
		f := s.catalog.Key(id)
		if f == nil {
			f = s.catalog.Latest(id)
		}
		if f == nil || level == "" {
			continue
		}
		if f.LevelIndex(level) < 0 {
			return nil, fmt.Errorf("target of %s: no level %q", id, level)
		}
		b, err := s.board(ctx, tx, f.Key())
		if err != nil {
			return nil, err
		}
		out = append(out, Target{b, level})
	}
	return out, nil
}

// Within says whether an item belongs to the target. An item whose level nobody knows does not: a level is
// never assumed.
func (t Target) Within(it *Item) bool {
	i := t.Board.LevelIndex(it.Node.Level)
	return i >= 0 && i <= t.Board.LevelIndex(t.Level)
}

// Items lists the items of the target.
func (t Target) Items() []*Item {
	var out []*Item
	for _, it := range t.Board.Items {
		if t.Within(it) {
			out = append(out, it)
		}
	}
	return out
}

// UnknownLevels counts the items whose level nobody knows until the official workbook is imported.
func (t Target) UnknownLevels() int {
	n := 0
	for _, it := range t.Board.Items {
		if it.Node.Level == "" {
			n++
		}
	}
	return n
}

// Counts says how many items of the target are in which state, and how many of their clauses are open.
type Counts struct {
	Items                        int
	Met, Part, Unmet, Unknown    int
	NA                           int
	OpenClauses                  int
	UnmetClauses, UnknownClauses int
}

// Count counts items.
func Count(items []*Item) Counts {
	c := Counts{Items: len(items)}
	for _, it := range items {
		switch it.State {
		case verdict.Met:
			c.Met++
		case verdict.Part:
			c.Part++
		case verdict.Unmet:
			c.Unmet++
		case verdict.NA:
			c.NA++
		default:
			c.Unknown++
		}
		for _, cl := range it.Clauses {
			switch {
			case !cl.Open():
			case cl.State.Result == verdict.Unmet:
				c.UnmetClauses++
				c.OpenClauses++
			default:
				c.UnknownClauses++
				c.OpenClauses++
			}
		}
	}
	return c
}

// Points adds up the values of items, from records and answers together.
func (t Target) Points() verdict.Score {
	scored := make([]verdict.Scored, 0, len(t.Board.Items))
	for _, it := range t.Items() {
		scored = append(scored, verdict.ScoredItem(it.Node, it.Value))
	}
	return verdict.Points(scored, t.Board.Scoring.PerItem).All
}

// Item finds an item with its board; problem code not_found.
func (s *Service) Item(ctx context.Context, tx *sqlite.Tx, key, id string) (*Board, *Item, error) {
	b, err := s.Board(ctx, tx, key)
	if err != nil {
		return nil, nil, err
	}
	it := b.Item(id)
	if it == nil {
		return nil, nil, problem.NotFound("assessment.item.not_found")
	}
	return b, it, nil
}
