package rotation

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
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
		ofA, okA := storeIn(a)
		ofB, okB := storeIn(b)
		if want && (okA != okB || !sameStore(ofA, ofB)) {
			t.Errorf("%q and %q are the same username, of stores %q and %q", a, b, ofA, ofB)
		}
	})
}

// The letters of a merchant ID may have any case, and a shop may show them in another.
func TestMayUse_IgnoresCaseOfStore(t *testing.T) {
	t.Parallel()
	h := &shop{stores: map[string]bool{}}
	h.setLastUsername("m0b-x")
	if !h.mayUse(kustom.Orphan{MerchantID: "M0b", Username: "M0b-y"}) {
		t.Error("a shop that was last seen with m0b-x may not use M0b-y")
	}
	h = &shop{stores: map[string]bool{}, known: true, lastStore: "M1", expected: "m0b-x"}
	if !h.mayUse(kustom.Orphan{MerchantID: "M0b", Username: "M0b-y"}) {
		t.Error("a shop that gets m0b-x may not use M0b-y")
	}
}

// A deletion leaves out the shops of other stores without a closer look. That must never leave out a shop that matters.
func TestIsOfOtherStores_LeavesOutNoUser(t *testing.T) {
	t.Parallel()
	usernames := []string{"", "M1-a", "m1-A ", "M1-b", "M2b-a", "m2b-a", "not a username"}
	stores := []string{"", "M1", "M2b"}
	leftOut := 0
	check := func(h *shop, key kustom.Orphan) {
		named, _ := storeIn(key.Username)
		if !h.isOfOtherStores(key.MerchantID, named) {
			return
		}
		leftOut++
		if !h.known || h.shows(key.Username) || sameUsername(h.expected, key.Username) || h.mayUse(key) {
			t.Errorf("shop %+v may use %+v", h, key)
		}
	}
	for _, held := range usernames {
		for _, last := range usernames {
			for _, expected := range usernames {
				for _, configured := range stores {
					h := &shop{expected: expected, stores: map[string]bool{}}
					if configured != "" {
						h.stores[configured] = true
					}
					h.credentials.KustomID = held
					h.setLastUsername(last)
					for _, username := range usernames {
						for _, store := range stores {
							for _, known := range []bool{true, false} {
								h.known = known
								check(h, kustom.Orphan{MerchantID: store, Username: username})
							}
						}
					}
				}
			}
		}
	}
	if leftOut == 0 {
		t.Error("no shop was left out")
	}
}
