package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app"
)

type userCommand struct {
	List    userList    `cmd:"" help:"List the accounts."`
	Add     userAdd     `cmd:"" help:"Add an account. Example: kizuki user add tanaka --name 田中 --role keeper"`
	Passwd  userPasswd  `cmd:"" help:"Set a password. Example: kizuki user passwd tanaka"`
	Disable userDisable `cmd:"" help:"Switch an account off. Example: kizuki user disable tanaka"`
	Reset   userReset   `cmd:"" name:"reset-factor" help:"Take a lost second factor away: the next sign-in needs the password only. Example: kizuki user reset-factor tanaka"`
}

type userList struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.users/1)."`
}

// Run prints the accounts.
func (c *userList) Run(ctx context.Context, e *environment) (err error) {
	a, err := e.openReading(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	users, err := a.Users(app.AsCommand(ctx))
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(map[string]any{"schema": "kizuki.users/1", "users": users})
	}
	for _, u := range users {
		e.println(fmt.Sprintf("%-20s %-9s %s", u.Login, u.State, strings.Join(u.Roles, ",")))
	}
	return nil
}

type userAdd struct {
	Login        string   `arg:"" help:"Login name or mail address."`
	Name         string   `required:"" help:"How the person is shown."`
	Person       string   `help:"Employee number of the person on the staff list." placeholder:"NUMBER"`
	Role         []string `required:"" help:"Roles: admin, approver, keeper, viewer, advisor, employee." choices:"admin,approver,keeper,viewer,advisor,employee"`
	PasswordFile string   `help:"File with the password; without it one line is read from standard input." placeholder:"FILE"`
	JSON         bool     `name:"json" help:"Print as JSON (kizuki.user/1)."`
}

// Run adds an account.
func (c *userAdd) Run(ctx context.Context, e *environment) (err error) {
	password, err := e.secret(c.PasswordFile)
	if err != nil {
		return err
	}
	return e.change(ctx, "added", c.Login, c.JSON, func(ctx context.Context, a anOffice) error {
		return a.AddUser(ctx, app.NewUser{Login: c.Login, Name: c.Name, EmployeeNo: c.Person, Roles: c.Role, Password: password})
	})
}

type userPasswd struct {
	Login        string `arg:"" help:"Login name or mail address."`
	PasswordFile string `help:"File with the password; without it one line is read from standard input." placeholder:"FILE"`
	JSON         bool   `name:"json" help:"Print as JSON (kizuki.user/1)."`
}

// Run sets a password.
func (c *userPasswd) Run(ctx context.Context, e *environment) error {
	password, err := e.secret(c.PasswordFile)
	if err != nil {
		return err
	}
	return e.change(ctx, "passwd", c.Login, c.JSON, func(ctx context.Context, a anOffice) error {
		return a.SetPassword(ctx, c.Login, password)
	})
}

type userDisable struct {
	Login string `arg:"" help:"Login name or mail address."`
	JSON  bool   `name:"json" help:"Print as JSON (kizuki.user/1)."`
}

// Run switches an account off.
func (c *userDisable) Run(ctx context.Context, e *environment) error {
	return e.change(ctx, "disabled", c.Login, c.JSON, func(ctx context.Context, a anOffice) error {
		return a.DisableUser(ctx, c.Login)
	})
}

type userReset struct {
	Login string `arg:"" help:"Login name or mail address."`
	JSON  bool   `name:"json" help:"Print as JSON (kizuki.user/1)."`
}

// Run takes the second factors of an account away.
func (c *userReset) Run(ctx context.Context, e *environment) error {
	return e.change(ctx, "factor_reset", c.Login, c.JSON, func(ctx context.Context, a anOffice) error {
		return a.ResetFactor(ctx, c.Login)
	})
}

// change opens the office, does one act and tells it: added, passwd, disabled or factor_reset.
func (e *environment) change(ctx context.Context, done, login string, asJSON bool, act func(context.Context, anOffice) error) (err error) {
	a, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := act(app.AsCommand(ctx), a); err != nil {
		return err
	}
	if asJSON {
		return e.printJSON(map[string]string{"schema": "kizuki.user/1", "login": login, "done": done})
	}
	e.println(e.t("cli.user."+done, "login", login))
	return nil
}

// secret reads a password from a file or from one line of standard input, never from an argument: other
// people on the machine can see those.
func (e *environment) secret(file string) (string, error) { return e.secretAsked(file, "cli.password") }

// secretAsked is secret with its own question, by message key.
func (e *environment) secretAsked(file, question string) (string, error) {
	if file != "" {
		data, err := os.ReadFile(file) //nolint:gosec // the person names the file
		if err != nil {
			return "", fmt.Errorf("read password file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	if isTerminal(e.stdin) {
		fmt.Fprint(e.stderr, e.t(question))
	}
	line, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
