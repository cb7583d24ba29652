package sandbox

import (
	"testing"
	"time"
)

func TestStrays_RecordsUnneededClicks(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, ThreeShops(), Options{Pages: PagesOptions{Mutations: []string{"lookalikes"}}})
	env.wantKeyShown("lookalikes")
	env.wantFieldsShown("lookalikes")
	if strays := env.s.Strays(); len(strays) > 0 {
		t.Errorf("clicks on the pages' own elements count as %v", strays)
	}
	p := env.portalAt("/integrations/api")
	p.press("Next steps")
	p.press("API documentation")
	for deadline := time.Now().Add(pageTimeout); len(env.s.Strays()) != 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the recorded clicks are %v", env.s.Strays())
		}
	}
}
