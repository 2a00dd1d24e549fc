package app

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/certificate"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TLS says with which certificate the office answers. The zero value: none, plain http.
type TLS struct {
	Cert, Key string // PEM files of the company
	Self      bool   // one that is made here and kept in the data folder
}

// On says whether the office is reached over TLS.
func (t TLS) On() bool { return t.Self || t.Cert != "" || t.Key != "" }

// check refuses settings that contradict each other.
func (t TLS) check() error {
	if t.Self && (t.Cert != "" || t.Key != "") {
		return problem.Invalid("", "app.tls.both")
	}
	if (t.Cert == "") != (t.Key == "") {
		return problem.Invalid("", "app.tls.half")
	}
	return nil
}

// openCertificate reads the certificate of the settings, or makes it; nil for plain http.
func (a *App) openCertificate(ctx context.Context, addr string) (*certificate.Source, error) {
	t := a.cfg.TLS
	switch err := t.check(); {
	case err != nil || !t.On():
		return nil, err
	case t.Self:
		return certificate.SelfMade(a.cfg.Dir, a.ownNames(ctx, addr), a.cfg.Now)
	}
	return certificate.FromFiles(t.Cert, t.Key, a.cfg.Now)
}

// ownNames are the names under which people open the office: those of the company profile, of the settings
// and of the machine. Addresses that a network gave out are not among them: they change.
func (a *App) ownNames(ctx context.Context, addr string) []string {
	var company org.Company
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		company, err = a.Org.Company(ctx, tx)
		return err
	})
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "the certificate lacks the names of the company profile", "error", err)
	}
	all := append(company.AllowedHosts(), addr)
	if u, err := url.Parse(a.cfg.LinksAddress); err == nil {
		all = append(all, u.Host)
	}
	if host, err := os.Hostname(); err == nil {
		all = append(all, host)
	}
	var names []string
	for _, name := range all {
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		if ip := net.ParseIP(name); name != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, name)
		}
	}
	return names
}

// Certificate tells about the certificate in use; ok is false for plain http.
func (s *Server) Certificate() (info certificate.Info, ok bool) {
	if s.cert == nil {
		return certificate.Info{}, false
	}
	return s.cert.Info(), true
}

// warnDays is how long before its end a certificate of the company is a finding; one that is made here is
// renewed a month before, so that less says that renewing failed.
const warnDays = 21

// CertificateCheck is the finding of doctor about the certificate of the settings; ok is false for plain
// http, and for a certificate that the first start is yet to make.
func (a *App) CertificateCheck() (check Check, ok bool) {
	t := a.cfg.TLS
	if t.Self {
		t.Cert, t.Key = filepath.Join(a.cfg.Dir, certificate.CertFile), filepath.Join(a.cfg.Dir, certificate.KeyFile)
		if _, err := os.Stat(t.Cert); err != nil {
			return Check{}, false
		}
	}
	if !t.On() {
		return Check{}, false
	}
	src, err := certificate.FromFiles(t.Cert, t.Key, a.cfg.Now)
	if err != nil {
		return Check{Name: "certificate", Text: i18n.Msg{Key: "app.doctor.certificate.unusable", Args: problem.Args{"file": t.Cert}}}, true
	}
	ends := src.Info().Ends
	days := int(ends.Sub(a.cfg.Now()).Hours() / 24)
	args := problem.Args{"day": ends.Format(time.DateOnly), "n": max(days, 0)}
	if days < warnDays {
		return Check{Name: "certificate", Text: i18n.Msg{Key: "app.doctor.certificate.bad", Args: args}}, true
	}
	return Check{Name: "certificate", OK: true, Text: i18n.Msg{Key: "app.doctor.certificate.ok", Args: args}}, true
}
