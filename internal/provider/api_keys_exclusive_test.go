package provider

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// movingShops hold keys until somebody waits for them. Those of stuck wait until all others have gone.
type movingShops struct {
	mu      sync.Mutex
	held    map[string]bool
	stuck   string
	moved   chan struct{}
	retired []string
}

func (s *movingShops) Retire(_ context.Context, key kustom.Orphan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key.Username] {
		return &rotation.HeldError{Username: key.Username, Shops: []string{"butikk"}}
	}
	s.retired = append(s.retired, key.MerchantID+"/"+key.CredentialID)
	return nil
}

func (s *movingShops) AwaitRelease(ctx context.Context, username string) error {
	if username == s.stuck {
		select {
		case <-s.moved:
		case <-ctx.Done():
		}
		return &rotation.HeldError{Username: username, Shops: []string{"butikk"}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[username] = false
	close(s.moved)
	return nil
}

// TestDeleteKeys waits for shops beside each other: one that does not move holds up neither the keys
// that nobody uses nor those of shops that do move.
func TestDeleteKeys(t *testing.T) {
	s := &movingShops{held: map[string]bool{"M1-stuck": true, "M1-moving": true}, stuck: "M1-stuck", moved: make(chan struct{})}
	r := &apiKeysExclusiveResource{guard: s, retirer: s}
	errs := r.deleteKeys(t.Context(), "M1", []storeKey{
		{CredentialID: "1", Username: "M1-stuck"}, {CredentialID: "2", Username: "M1-moving"}, {CredentialID: "3", Username: "M1-free"},
	})
	var held *rotation.HeldError
	if !errors.As(errs[0], &held) || errs[1] != nil || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	slices.Sort(s.retired)
	if want := []string{"M1/2", "M1/3"}; !slices.Equal(s.retired, want) {
		t.Errorf("%q were deleted, want %q", s.retired, want)
	}
}

func TestWhyKept(t *testing.T) {
	key := storeKey{CredentialID: "c-1", Username: "M1-a"}
	for says, err := range map[string]error{
		"because shop a, b takes payments with it":                 &rotation.HeldError{Username: "M1-a", Shops: []string{"a", "b"}},
		"add c-1 to credential_ids":                                &rotation.HeldError{Username: "M1-a", Shops: []string{"a"}},
		"could be asked whether it uses it. Mystore does not":      &rotation.UnseenError{Username: "M1-a", Cause: refusal("mystore", 401, "unauthorized")},
		"was not deleted. portal.example has trouble of its own":   refusal("portal", 503, ""),
		"was not deleted. The run was interrupted. Run again; it ": context.Canceled,
	} {
		got := key.whyKept(err)
		if !strings.HasPrefix(got, "The key M1-a was not deleted") || !strings.Contains(got, says) {
			t.Errorf("want %q in\n%s", says, got)
		}
		// There is no such attribute here.
		if strings.Contains(got, "force_destroy") {
			t.Errorf("impossible advice in\n%s", got)
		}
	}
}
