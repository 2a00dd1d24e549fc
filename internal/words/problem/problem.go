// Package problem is the one error type that crosses packages: a code for machines, a message key
// for people, a cause for the log. User sentences never stand in Go code; they live in the message
// files under Key and are written in the reader's language at the edge (web page or command line).
//
// It imports nothing of ours and knows neither HTTP nor exit codes.
package problem

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of mistake happened. Anything without a code is internal.
type Code string

// The closed set of codes; web and cmd each map them in one table.
const (
	CodeInvalid         Code = "invalid"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeForbidden       Code = "forbidden"
	CodeUnauthenticated Code = "unauthenticated"
	CodeTooLarge        Code = "too_large"
	CodeUnsupported     Code = "unsupported"
	CodeUnavailable     Code = "unavailable"
	CodeInternal        Code = "internal"
)

// Args are the named parameters of a message. A nil map is fine.
type Args map[string]any

// Error is what the packages of Kizuki return when a person can do something about it.
type Error struct {
	Code  Code
	Field string // the form field it belongs to; empty when it concerns the whole act
	Key   string // key of the message, e.g. "people.email.invalid"
	Args  Args   // parameters of the message
	Err   error  // cause for the log; may be nil
}

// Error gives the machine text for logs; people read the message under Key.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	b.WriteString(": ")
	b.WriteString(e.Key)
	if e.Field != "" {
		b.WriteString(" (" + e.Field + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Because sets the cause and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Invalid reports a value that a person must change; field may be empty.
func Invalid(field, key string, pairs ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Key: key, Args: argsOf(pairs)}
}

// NotFound reports that the named thing does not exist or may not be seen.
func NotFound(key string, pairs ...any) *Error { return of(CodeNotFound, key, pairs) }

// Conflict reports that somebody else changed the row first, or that the act no longer fits its state.
func Conflict(key string, pairs ...any) *Error { return of(CodeConflict, key, pairs) }

// Forbidden reports that the person may not do this.
func Forbidden(key string, pairs ...any) *Error { return of(CodeForbidden, key, pairs) }

// Unauthenticated reports that nobody is signed in, or the session or link is no longer good.
func Unauthenticated(key string, pairs ...any) *Error { return of(CodeUnauthenticated, key, pairs) }

// TooLarge reports input above a limit; name the limit in the pairs.
func TooLarge(key string, pairs ...any) *Error { return of(CodeTooLarge, key, pairs) }

// Unsupported reports input of a kind that cannot be read; the message says what to do instead.
func Unsupported(key string, pairs ...any) *Error { return of(CodeUnsupported, key, pairs) }

// Unavailable reports that the act cannot be done now (clock, disk, locked folder).
func Unavailable(key string, pairs ...any) *Error { return of(CodeUnavailable, key, pairs) }

func of(code Code, key string, pairs []any) *Error {
	return &Error{Code: code, Key: key, Args: argsOf(pairs)}
}

func argsOf(pairs []any) Args {
	if len(pairs) == 0 {
		return nil
	}
	if len(pairs)%2 != 0 {
		panic(fmt.Sprintf("problem: odd number of message parameters: %v", pairs))
	}
	args := make(Args, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return args
}

// List collects several findings, so that a form or a file shows all of them at once.
type List []*Error //nolint:errname // a list of findings first; that it is an error too is how it travels

// Add appends e unless it is nil.
func (l *List) Add(e *Error) {
	if e != nil {
		*l = append(*l, e)
	}
}

// Err is nil for an empty list, else the list as one error.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Error joins the machine texts.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// All returns the findings inside err: those of a List, a single Error, or none.
func All(err error) List {
	if list, ok := errors.AsType[List](err); ok {
		return list
	}
	if one, ok := errors.AsType[*Error](err); ok {
		return List{one}
	}
	return nil
}

// CodeOf returns the code of err: that of the first Error inside it, CodeInternal for any other
// error, and the empty code for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if all := All(err); len(all) > 0 {
		return all[0].Code
	}
	return CodeInternal
}
