package portalpages

import "testing"

func TestHasWord_TakesNoPartOfAWord(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"You have reached the limit of 10 keys.":  true,
		"LIMIT":                                   true,
		"Time limits apply; the limit is reached": true,
		"Grensesnitt for utviklere":               false,
		"Unlimited keys":                          false,
		"":                                        false,
	} {
		if got := hasWord(line, "limit") || hasWord(line, "grense"); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}
