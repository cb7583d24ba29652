package vendortext

import (
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
)

// SecretForm is a regular expression that matches a secret of Kustom or Klarna in a longer text. The length and
// alphabet after the prefix are not documented.
const SecretForm = `(?i)(kco|klarna)_(live|test)_api_\S+`

// forms has the prefixes of secrets, plain and encoded.
var forms = sync.OnceValue(func() *needles {
	n := newNeedles()
	for _, prefix := range []string{"kco_live_", "kco_test_", "klarna_live_", "klarna_test_"} {
		n.addAll([]string{prefix, hex.EncodeToString([]byte(prefix))}, true)
		n.addAll(base64Forms(prefix), true)
	}
	return &n
})

// credentials match credentials in headers and addresses. The first group, or else the whole match, is masked.
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

// isToken distinguishes a token, or a username and password, from a word in a sentence such as "basic
// authentication".
func isToken(text string) bool {
	const longestWord = 20
	return len(text) > longestWord || strings.ContainsAny(text, "0123456789:=")
}
