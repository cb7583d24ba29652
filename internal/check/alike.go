package check

import "strings"

// Alike reports whether a shop and a store have similar names: one contains the other, and both have at least four
// letters.
func Alike(shop, store string) bool {
	a, b := letters(shop), letters(store)
	const minLetters = 4
	return min(len(a), len(b)) >= minLetters && (strings.Contains(a, b) || strings.Contains(b, a))
}

// letters returns the lower-case letters and digits of a name, without diacritics, as in a shop's name.
func letters(name string) string {
	name = strings.NewReplacer("æ", "ae", "ø", "o", "å", "a", "ä", "a", "ö", "o").Replace(strings.ToLower(name))
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, name)
}
