package password

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Lengths in characters. Length counts for more than kinds of letters, so nothing else is demanded.
// Source: NIST SP 800-63B-4 §3.1.1.2 asks for at least 15 where the password stands alone and 8 beside a
// second factor; 12 lies between, for a page that is reached from inside the plant and slows guessing.
const (
	MinLength = 12
	MaxLength = 200
)

// Fewest different characters, and fewest characters that a name inside a password leaves over.
const (
	minDistinct = 6
	minRest     = 8
	minName     = 4
)

// Check says why a password must not be chosen, nil when it may. names are what others know about the
// account: its login, the company. Problem code invalid at field.
func Check(field, plain string, names ...string) *problem.Error {
	n := utf8.RuneCountInString(plain)
	lower := strings.ToLower(plain)
	switch {
	case !utf8.ValidString(plain):
		return problem.Invalid(field, "web.not_text")
	case n < MinLength:
		return problem.Invalid(field, "account.password.short", "least", MinLength, "n", n)
	case n > MaxLength:
		return problem.Invalid(field, "web.too_long", "limit", MaxLength, "n", n)
	case !strings.ContainsFunc(plain, func(r rune) bool { return !unicode.IsDigit(r) }):
		return problem.Invalid(field, "account.password.digits")
	case distinct(lower) < minDistinct:
		return problem.Invalid(field, "account.password.repeats")
	}
	for _, name := range names {
		name, _, _ = strings.Cut(strings.ToLower(name), "@")
		if utf8.RuneCountInString(name) >= minName && strings.Contains(lower, name) &&
			utf8.RuneCountInString(strings.ReplaceAll(lower, name, "")) < minRest {
			return problem.Invalid(field, "account.password.name")
		}
	}
	if walk(lower) || worst(lower) {
		return problem.Invalid(field, "account.password.common")
	}
	return nil
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// walks are rows that fingers and alphabets give; any piece of them, forward or backward, is guessed first.
var walks = []string{
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
	"qwertyuiopasdfghjklzxcvbnm",
	"1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./",
	"1234567890qwertyuiopasdfghjklzxcvbnm1234567890",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
	"qazwsxedcrfvtgbyhnujmikolp",
	"1q2w3e4r5t6y7u8i9o0p",
	"q1w2e3r4t5y6u7i8o9p0",
	"a1b2c3d4e5f6g7h8i9j0",
	"zaq12wsxcde34rfvbgt56yhn",
}

func walk(lower string) bool {
	turned := []rune(lower)
	slices.Reverse(turned)
	return slices.ContainsFunc(walks, func(w string) bool {
		return strings.Contains(w, lower) || strings.Contains(w, string(turned))
	})
}

// words are what stands in bad passwords, put together by ourselves for this office: the longest first,
// so that "administrator" is not left as "istrator".
var words = byLength(
	"password", "passwort", "passwd", "pass", "himitsu", "pasuwado", "secret", "security", "sekyuriti",
	"admin", "administrator", "kanri", "kanrisha", "root", "user", "guest", "login", "test", "tesuto", "demo", "sample", "temp",
	"welcome", "letmein", "changeme", "change", "default", "master", "kizuki", "konnichiwa", "arigatou", "yoroshiku", "hello",
	"qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "qazwsx", "abcd", "abcdef", "abc", "iloveyou", "dragon", "monkey",
	"sakura", "fuji", "fujisan", "tokyo", "osaka", "nagoya", "nihon", "nippon", "japan", "toyota", "honda", "nissan", "mazda", "subaru",
	"suzuki", "daihatsu", "tanaka", "sato", "satou", "takahashi", "yamada", "kaisha", "company", "office", "soumu", "jimusho", "koujou",
	"factory", "server", "windows", "microsoft", "google", "network", "router", "wifi", "internet", "summer", "winter", "spring", "autumn",
	"haru", "natsu", "aki", "fuyu", "reiwa", "heisei", "showa", "january", "april", "baseball", "football", "pokemon", "doraemon", "gundam",
)

func byLength(list ...string) []string {
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return list
}

// leet undoes the letters that people think nobody guesses.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i", "+", "t")

// worst says whether nothing is left of the password but such words, digits and signs around them.
func worst(lower string) bool {
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, text := range []string{lower, leet.Replace(core)} {
		for _, w := range words {
			text = strings.ReplaceAll(text, w, " ")
		}
		if lettersLeft(text) <= 2 {
			return true
		}
	}
	return false
}

func lettersLeft(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
