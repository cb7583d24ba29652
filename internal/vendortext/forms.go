package vendortext

import (
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// SecretForm is the form of a key's secret as a regular expression, which finds it in longer texts too:
// Kustom's, and Klarna's. Neither the length nor the alphabet of what follows the prefix is documented.
const SecretForm = `(?i)(kco|klarna)_(live|test)_api_\S+`

// forms are how secrets of a known form begin, as they are and encoded.
var forms = sync.OnceValue(func() *needles {
	n := newNeedles()
	for _, prefix := range []string{"kco_live_", "kco_test_", "klarna_live_", "klarna_test_"} {
		n.addAll([]string{prefix, hex.EncodeToString([]byte(prefix))}, true)
		n.addAll(base64Forms(prefix), true)
	}
	return &n
})

// credentials match what a header or an address carries. The first group, or else the whole, is hidden.
var credentials = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(?:bearer|basic)[\s:]+([a-z0-9._~+/-]{8,}=*)`),
		regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*`),
		regexp.MustCompile(`://([^/\s@]+)@`),
	}
})

// markForms marks the bytes of text that have the form of a secret.
func markForms(text string, hidden []bool) {
	forms().mark(text, hidden)
	printed := printedFold(text)
	for _, pattern := range credentials() {
		for _, found := range pattern.FindAllStringSubmatchIndex(printed.text, -1) {
			from, to := found[0], found[1]
			if len(found) > 2 {
				from, to = found[2], found[3]
			}
			if isToken(printed.text[from:to]) {
				setAll(hidden[printed.from[from]:printed.to[to-1]])
			}
		}
	}
}

// isToken tells a token, or a username and password, from a word of a sentence such as "basic authentication".
func isToken(text string) bool {
	const longestWord = 20
	return len(text) > longestWord || strings.ContainsAny(text, "0123456789:=")
}

// holdsSecret tells whether what follows the beginning of a secret is more than the rest of its prefix: a message
// may say how secrets begin.
func holdsSecret(rest string) bool {
	rest = strings.TrimPrefix(strings.ToLower(rest), "api_")
	return strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError })
}
