package sandbox

import (
	"testing"
	"time"
)

// TestStrays_RecordsUnneededClicks, and no others.
func TestStrays_RecordsUnneededClicks(t *testing.T) {
	t.Parallel()
	b := newBench(t, ThreeShops(), Options{Pages: PagesOptions{Mutations: []string{"lookalikes"}}})
	b.seesKey("lookalikes")
	b.seesFields("lookalikes")
	if strays := b.s.Strays(); len(strays) > 0 {
		t.Errorf("looking counts as %v", strays)
	}
	p := b.portalAt("/integrations/api")
	p.press("Next steps")
	p.press("API documentation")
	for deadline := time.Now().Add(patience); len(b.s.Strays()) != 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there are %v", b.s.Strays())
		}
	}
}
