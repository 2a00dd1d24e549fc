package policy

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// findDocuments returns the documents with all their parts, by type, then title; key "" means all.
func findDocuments(ctx context.Context, tx *sqlite.Tx, key string) ([]*Document, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, type, title, topics, owner, retired_on, version FROM policy_documents
		WHERE ? = '' OR key = ? ORDER BY type, title, id`, key, key)
	if err != nil {
		return nil, fmt.Errorf("query documents: %w", err)
	}
	defer rows.Close()
	var docs []*Document
	for rows.Next() {
		d := &Document{}
		var topics string
		if err := rows.Scan(&d.ID, &d.Key, &d.Type, &d.Title, &topics, &d.Owner, &d.RetiredOn, &d.Version); err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		d.Topics = splitList(topics)
		docs = append(docs, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	byID := make(map[int64]*Document, len(docs))
	for _, d := range docs {
		byID[d.ID] = d
	}
	for _, fill := range []func(context.Context, *sqlite.Tx, map[int64]*Document) error{fillEditions, fillNotices, fillReviews} {
		if err := fill(ctx, tx, byID); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// findDocument returns one document; problem code not_found.
func findDocument(ctx context.Context, tx *sqlite.Tx, key string) (*Document, error) {
	docs, err := findDocuments(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	if key == "" || len(docs) == 0 {
		return nil, problem.NotFound("policy.not_found")
	}
	return docs[0], nil
}

func fillEditions(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Document) error {
	rows, err := tx.QueryContext(ctx, `SELECT document, id, key, number, body, change_note, attachment, author, effective_on,
		approved_on, approver, way, sealed, version FROM policy_versions ORDER BY document, number DESC`)
	if err != nil {
		return fmt.Errorf("query editions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var doc int64
		var e Edition
		if err := rows.Scan(&doc, &e.ID, &e.Key, &e.Number, &e.Body, &e.ChangeNote, &e.Attachment, &e.Author, &e.EffectiveOn,
			&e.ApprovedOn, &e.Approver, &e.Way, &e.Sealed, &e.Version); err != nil {
			return fmt.Errorf("read edition: %w", err)
		}
		if d := byID[doc]; d != nil {
			d.Editions = append(d.Editions, e)
		}
	}
	return rows.Err()
}

func fillReviews(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Document) error {
	rows, err := tx.QueryContext(ctx, `SELECT document, key, on_day, result, considered, by_person FROM policy_reviews
		ORDER BY document, on_day DESC, id DESC`)
	if err != nil {
		return fmt.Errorf("query reviews: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var doc int64
		var r Review
		if err := rows.Scan(&doc, &r.Key, &r.On, &r.Result, &r.Considered, &r.By); err != nil {
			return fmt.Errorf("read review: %w", err)
		}
		if d := byID[doc]; d != nil {
			d.Reviews = append(d.Reviews, r)
		}
	}
	return rows.Err()
}

func insertDocument(ctx context.Context, tx *sqlite.Tx, d Draft) (*Document, error) {
	doc := &Document{Key: tx.NewKey(), Type: d.Type, Title: d.Title, Topics: d.Topics, Owner: d.Owner, Version: 1}
	res, err := tx.ExecContext(ctx, `INSERT INTO policy_documents (key, type, title, topics, owner, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		doc.Key, doc.Type, doc.Title, strings.Join(doc.Topics, ","), doc.Owner, sqlite.Millis(tx.Now))
	if err != nil {
		return nil, fmt.Errorf("insert document: %w", err)
	}
	doc.ID, err = res.LastInsertId()
	return doc, err
}

// updateDocument changes the row that version was read from; problem code conflict when it changed since.
func updateDocument(ctx context.Context, tx *sqlite.Tx, id int64, d Draft) error {
	res, err := tx.ExecContext(ctx, `UPDATE policy_documents SET type = ?, title = ?, topics = ?, owner = ?, version = version + 1
		WHERE id = ? AND version = ?`, d.Type, d.Title, strings.Join(d.Topics, ","), d.Owner, id, d.Version)
	if err != nil {
		return fmt.Errorf("update document: %w", err)
	}
	return changedOne(res, "policy.changed_meanwhile")
}

func retireDocument(ctx context.Context, tx *sqlite.Tx, id int64, on jdate.Day) error {
	_, err := tx.ExecContext(ctx, `UPDATE policy_documents SET retired_on = ?, version = version + 1 WHERE id = ?`, on, id)
	if err != nil {
		return fmt.Errorf("retire document: %w", err)
	}
	return nil
}

// saveDraft inserts the next edition as a draft, or changes the open one.
func saveDraft(ctx context.Context, tx *sqlite.Tx, doc *Document, d Draft, author string) error {
	if open := doc.Draft(); open != nil {
		_, err := tx.ExecContext(ctx, `UPDATE policy_versions SET body = ?, change_note = ?, attachment = ?, author = ?, drafted_at = ?,
			version = version + 1 WHERE id = ? AND approved_on = ''`, d.Body, d.ChangeNote, d.Attachment, author, sqlite.Millis(tx.Now), open.ID)
		if err != nil {
			return fmt.Errorf("update draft: %w", err)
		}
		return nil
	}
	next := 1
	if len(doc.Editions) > 0 {
		next = doc.Editions[0].Number + 1
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_versions (key, document, number, body, change_note, attachment, author, drafted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, tx.NewKey(), doc.ID, next, d.Body, d.ChangeNote, d.Attachment, author, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert draft: %w", err)
	}
	return nil
}

// approveEdition closes a draft. An edition that is no longer a draft is a conflict. The row of the document
// moves on too: who still has the form of the draft open must not open the next edition unawares.
func approveEdition(ctx context.Context, tx *sqlite.Tx, doc, edition int64, a Approval, takenInBy string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE policy_documents SET version = version + 1 WHERE id = ?`, doc); err != nil {
		return fmt.Errorf("move document on: %w", err)
	}
	res, err := tx.ExecContext(ctx, `UPDATE policy_versions SET approved_on = ?, effective_on = ?, approver = ?, way = ?, sealed = ?, taken_in_by = ?,
		version = version + 1 WHERE id = ? AND approved_on = ''`, a.On, a.EffectiveOn, a.Approver, a.Way, a.Sealed, takenInBy, edition)
	if err != nil {
		return fmt.Errorf("approve edition: %w", err)
	}
	return changedOne(res, "policy.approved_meanwhile")
}

func insertReview(ctx context.Context, tx *sqlite.Tx, doc int64, r Review) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_reviews (key, document, on_day, result, considered, by_person, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		tx.NewKey(), doc, r.On, r.Result, r.Considered, r.By, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert review: %w", err)
	}
	return nil
}

func changedOne(res sql.Result, key string) error {
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changed rows: %w", err)
	}
	if n == 0 {
		return problem.Conflict(key)
	}
	return nil
}
