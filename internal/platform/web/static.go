package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed static/*
var staticFiles embed.FS

// static serves the few files of the house under an address that holds their hash, so that browsers
// keep them for good and never show an old one.
type static struct {
	files map[string]staticFile
}

type staticFile struct {
	hash, kind string
	body       []byte
}

func newStatic() *static {
	s := &static{files: map[string]staticFile{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(fmt.Sprintf("web: list static files: %v", err))
	}
	for _, e := range entries {
		body, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("web: read static file: %v", err))
		}
		sum := sha256.Sum256(body)
		kind := mime.TypeByExtension(path.Ext(e.Name()))
		switch path.Ext(e.Name()) { // Windows machines may have other ideas in their registry
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		s.files[e.Name()] = staticFile{hex.EncodeToString(sum[:8]), kind, body}
	}
	return s
}

// path returns the address of a static file; an unknown name is an error of the template.
func (s *static) path(name string) (string, error) {
	f, ok := s.files[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + f.hash + "/" + name, nil
}

func (s *Shell) serveStatic(w http.ResponseWriter, r *http.Request) error {
	f, ok := s.static.files[r.PathValue("name")]
	if !ok || f.hash != r.PathValue("hash") {
		return problem.NotFound("web.not_found")
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(f.body)
	return nil
}

// Tokens gives the colours and fonts of the house as CSS (roles, light and dark), for documents that leave it as one
// file.
func Tokens() string {
	body, err := staticFiles.ReadFile("static/tokens.css")
	if err != nil {
		panic(fmt.Sprintf("web: read static file: %v", err))
	}
	return string(body)
}
