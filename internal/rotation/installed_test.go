package rotation_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestCheckInstalled_FindsKeyThatWasDeletedMeanwhile: the shop of a pair then holds a key that does not exist.
func TestCheckInstalled_FindsKeyThatWasDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys     []kustom.Key
		verdicts []kustom.Verdict
		before   func(kind, about string, call int) error
		unlisted bool
		vanished bool
	}{
		"listed":                      {keys: []kustom.Key{m1("M1-new")}, verdicts: []kustom.Verdict{kustom.VerdictRefused}},
		"deleted":                     {keys: []kustom.Key{m1("M1-old")}, verdicts: []kustom.Verdict{kustom.VerdictRefused}, vanished: true},
		"not listed, and works":       {keys: []kustom.Key{m1("M1-old")}, verdicts: []kustom.Verdict{""}},
		"not listed, and works later": {keys: []kustom.Key{m1("M1-old")}, verdicts: []kustom.Verdict{kustom.VerdictRefused, kustom.VerdictRefused, ""}},
		"no list was read before":     {keys: []kustom.Key{m1("M1-old")}, verdicts: []kustom.Verdict{kustom.VerdictRefused}, unlisted: true},
		"the list can't be read": {
			keys: []kustom.Key{m1("M1-old")}, verdicts: []kustom.Verdict{kustom.VerdictRefused},
			before: func(string, string, int) error { return errLost },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, test.keys...)
			if !test.unlisted {
				if _, err := env.engine.Keys.Fresh(t.Context(), "M1"); err != nil {
					t.Fatal(err)
				}
			}
			asked := env.portal.calls[listCall]
			env.merchant.verdicts, env.portal.before = test.verdicts, test.before
			err := env.engine.CheckInstalled(t.Context(), "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")})
			var vanished *rotation.KeyVanishedError
			if errors.As(err, &vanished) != test.vanished || (err != nil) != test.vanished {
				t.Errorf("got %v", err)
			}
			if test.unlisted && env.portal.calls[listCall] != asked {
				t.Error("the portal was asked")
			}
		})
	}
}
