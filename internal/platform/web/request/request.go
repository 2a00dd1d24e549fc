// Package request carries the id and the language of one request or command in its context, and nothing else.
package request

import "context"

type (
	idKey     struct{}
	localeKey struct{}
)

// WithID returns a context that carries the request id.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// ID returns the request id, or "" outside a request.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}

// WithLocale returns a context that carries the language, "ja" or "en".
func WithLocale(ctx context.Context, locale string) context.Context {
	return context.WithValue(ctx, localeKey{}, locale)
}

// Locale returns the language, "ja" by default.
func Locale(ctx context.Context) string {
	if l, _ := ctx.Value(localeKey{}).(string); l != "" {
		return l
	}
	return "ja"
}
