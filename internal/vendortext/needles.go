package vendortext

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minIndexed is the length in bytes of the shortest secret that is searched in all encodings. A shorter one occurs in many words.
const minIndexed = 4

// needles are the forms of secrets to search for, indexed by their first bytes. A text is scanned once for all of them.
type needles struct {
	long map[[minIndexed]byte][]needle
	// short has the secrets whose text is too short for the index. Their plain form is searched as it is.
	short []string
}

// needle is one form of a secret, or its beginning.
type needle struct {
	folded string
	// isPrefix says that the needle is only the prefix of a secret, which continues up to a space.
	isPrefix bool
}

func newNeedles() needles { return needles{long: map[[minIndexed]byte][]needle{}} }

// markShort marks the bytes of text that belong to a short secret.
func (n *needles) markShort(text string, hidden []bool) {
	for _, short := range n.short {
		for at := 0; ; {
			i := strings.Index(text[at:], short)
			if i < 0 {
				break
			}
			setAll(hidden[at+i : at+i+len(short)])
			at += i + len(short)
		}
	}
}

// add adds a secret in all encodings.
func (n *needles) add(secret string) {
	if len(plainFold(secret).text) < minIndexed {
		n.short = append(n.short, secret)
	}
	if len(secret) >= minIndexed {
		n.addAll(encodings(secret), false)
	}
}

func (n *needles) addAll(texts []string, isPrefix bool) {
	for _, text := range texts {
		for _, folded := range folds(text) {
			if len(folded.text) < minIndexed {
				continue
			}
			start := [minIndexed]byte([]byte(folded.text[:minIndexed]))
			n.long[start] = append(n.long[start], needle{folded: folded.text, isPrefix: isPrefix})
		}
	}
}

// encodings returns the forms of a secret that [folds] does not undo: the plain one, and encoded ones.
func encodings(secret string) []string {
	return append(base64Forms(secret), secret, hex.EncodeToString([]byte(secret)), url.QueryEscape(secret))
}

// base64Forms returns the base64 forms of a secret at each offset, in both alphabets. It omits characters that depend
// on neighbouring bytes.
func base64Forms(secret string) []string {
	var forms []string
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before, skip := range []int{0, 2, 3} {
			encoded := alphabet.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			if (before+len(secret))%3 != 0 {
				encoded = encoded[:len(encoded)-1]
			}
			if encoded = encoded[min(skip, len(encoded)):]; len(encoded) >= minIndexed {
				forms = append(forms, encoded)
			}
		}
	}
	return forms
}

// mark marks the bytes of text that belong to a needle.
func (n *needles) mark(text string, hidden []bool) {
	if len(n.long) == 0 {
		return
	}
	for _, folded := range folds(text) {
		for at := 0; at+minIndexed <= len(folded.text); at++ {
			start := [minIndexed]byte([]byte(folded.text[at : at+minIndexed]))
			for _, needle := range n.long[start] {
				if !strings.HasPrefix(folded.text[at:], needle.folded) {
					continue
				}
				from, to := folded.from[at], folded.to[at+len(needle.folded)-1]
				if needle.isPrefix {
					rest := text[to : to+wordEnd(text[to:])]
					if !holdsSecret(rest) {
						continue
					}
					to += len(rest)
				}
				setAll(hidden[from:to])
			}
		}
	}
}

func setAll(flags []bool) {
	for i := range flags {
		flags[i] = true
	}
}

// wordEnd returns the end of the first word of text. Invisible characters do not end it.
func wordEnd(text string) int {
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		return end
	}
	return len(text)
}

// holdsSecret reports whether rest, after a prefix, is more than the end of that prefix. A message may mention a
// prefix alone.
func holdsSecret(rest string) bool {
	rest = strings.TrimPrefix(strings.ToLower(rest), "api_")
	return strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError })
}
