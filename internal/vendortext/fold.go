package vendortext

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// fold is a text in lower case, without white space and invisible characters. Its byte i comes from the bytes from[i]
// to to[i] of the original.
type fold struct {
	text     string
	from, to []int
}

// maxEscapes is how many layers of escapes are removed.
const maxEscapes = 2

// folds returns the fold of a text, and the folds after removing one and two layers of escapes (of URLs, JSON, Go and
// HTML).
func folds(text string) []fold {
	all := []fold{plainFold(text)}
	for range maxEscapes {
		last := all[len(all)-1]
		next := unescape(last)
		if next.text == last.text {
			break
		}
		all = append(all, next)
	}
	return all
}

// plainFold folds a text without removing escapes.
func plainFold(text string) fold {
	f := printedFold(text)
	kept := 0
	folded := []byte(f.text)
	for i, b := range folded {
		if b != ' ' {
			folded[kept], f.from[kept], f.to[kept] = lower(b), f.from[i], f.to[i]
			kept++
		}
	}
	return fold{text: string(folded[:kept]), from: f.from[:kept], to: f.to[:kept]}
}

// printedFold removes only invisible characters. White space becomes a space.
func printedFold(text string) fold {
	var f fold
	printed := make([]byte, 0, len(text))
	for at := 0; at < len(text); {
		char, size := utf8.DecodeRuneInString(text[at:])
		bytes := text[at : at+size]
		if unicode.IsSpace(char) {
			bytes = " "
		} else if !unicode.IsPrint(char) {
			bytes = ""
		}
		for i := range len(bytes) {
			printed = append(printed, bytes[i])
			f.from, f.to = append(f.from, at), append(f.to, at+size)
		}
		at += size
	}
	f.text = string(printed)
	return f
}

// lower returns an ASCII letter in lower case. Other letters stay: a URL escapes each of their bytes.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

// escape matches one escaped character in a folded text.
var escape = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[^ux]|&#[0-9]{1,3};|&#x[0-9a-f]{1,2};|&(?:amp|lt|gt|quot);`)
})

// unescape removes one layer of escapes.
func unescape(f fold) fold {
	var out fold
	var text []byte
	at := 0
	keep := func(end int) {
		text = append(text, f.text[at:end]...)
		out.from, out.to = append(out.from, f.from[at:end]...), append(out.to, f.to[at:end]...)
	}
	for _, found := range escape().FindAllStringIndex(f.text, -1) {
		keep(found[0])
		at = found[1]
		for _, b := range []byte(unescaped(f.text[found[0]:found[1]])) {
			text = append(text, lower(b))
			out.from, out.to = append(out.from, f.from[found[0]]), append(out.to, f.to[found[1]-1])
		}
	}
	keep(len(f.text))
	out.text = string(text)
	return out
}

var entities = map[string]string{"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": `"`}

// unescaped returns the character of an escape; empty if it is white space or invisible.
func unescaped(escape string) string {
	if entity, ok := entities[escape]; ok {
		return entity
	}
	switch {
	case strings.HasPrefix(escape, "%"):
		return octet(escape[1:])
	case strings.HasPrefix(escape, `\x`):
		return octet(escape[2:])
	case strings.HasPrefix(escape, `\u`):
		return character(escape[2:], 16)
	case strings.HasPrefix(escape, "&#x"):
		return character(escape[3:len(escape)-1], 16)
	case strings.HasPrefix(escape, "&#"):
		return character(escape[2:len(escape)-1], 10)
	case strings.ContainsAny(escape[1:], "nrtbf"):
		return ""
	}
	return escape[1:]
}

// octet returns the byte of two hexadecimal digits, as part of UTF-8.
func octet(digits string) string {
	code, err := hex.DecodeString(digits)
	if err != nil || code[0] < utf8.RuneSelf && !isKept(rune(code[0])) {
		return ""
	}
	return string(code)
}

// character returns the character with a number.
func character(digits string, base int) string {
	code, err := strconv.ParseInt(digits, base, 21)
	if err != nil || !isKept(rune(code)) {
		return ""
	}
	return string(rune(code))
}

// isKept reports whether a character stays in a folded text.
func isKept(r rune) bool { return unicode.IsPrint(r) && !unicode.IsSpace(r) }
