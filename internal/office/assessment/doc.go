// Package assessment joins what the records prove with what people answer: the check sheet and its gaps.
//
// Words: a round (回) is one self-assessment of one framework, opened and later locked. An answer (回答) is what
// a person said of a clause or an item; the verdict (記録からの判定) is what the rules conclude; a gap is a
// clause that is neither met nor not applicable; an action (対応) says who closes it by when. The outline is a
// framework as this office sees it, with the official wording that the office imported laid over ours.
//
// Recompute is the hook of the fact store: it judges exactly the clauses that read the kinds an act touched.
// RecomputeDue judges those that time alone may have changed, RecomputeAll all; the three agree, a property
// test proves it. Board is what every page reads: one framework with verdicts, answers and states together.
//
// The pages stand in subfolders by noun. They import this package, and of each other only what is drawn here:
//
//	assessment/gap       できていないところ, 回答と記録の食い違い, the exports of both
//	assessment/item      チェックシート and the page of one item
//	assessment/question  一問一答, the link and the paper for owners without an account
//	assessment/plan      rounds, actions (対応)
//	assessment/request   what customers ask for (得意先の依頼)
//	assessment/sheet     check sheets in and out
//	assessment/frozen    whether answers stand as they were given
//	assessment/advice    what outside experts say of items (専門家の助言, 確認済)
//
//	sheet → request
//
// It imports registers only. It never judges by itself: the rules are data, their engine is register/verdict.
package assessment
