package rotation

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sameUsername must agree with a comparison of the plain usernames.
func TestSameUsername_ComparesPlainUsernames(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(
		rapid.StringMatching(`[ \t\x{a0}\x{200b}]?[Mm]0[ ]?[aBkK\x{212a}s\x{17f}-]{0,3}[ \xff\x{a0}]?`),
		rapid.String(),
		rapid.SampledFrom([]string{"", " ", "\xff", "M1-a", "m1-A", "M1-a\xff", "M1-\u00e5a"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if rapid.Bool().Draw(t, "same") {
			b = strings.ToLower(" " + a)
		}
		want := a == b && a != "" || b != "" && strings.EqualFold(plainUsername(a), plainUsername(b))
		if got := sameUsername(a, b); got != want {
			t.Errorf("sameUsername(%q, %q) is %t", a, b, got)
		}
	})
}
