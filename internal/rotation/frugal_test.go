package rotation_test

import (
	"context"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// readBackShops is a service that reads a shop back for the answer to a write, as pages do.
type readBackShops struct{ *fakeShops }

func (r readBackShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := r.fakeShops.Install(ctx, shop, kustomID, kustomSecret)
	holds.ReadBack = true
	return holds, err
}

// TestInstall_ReadsBackOnce: what was read after the write is not read again, and counts as a read of just now. Anything
// else that such an answer shows does not count.
func TestInstall_ReadsBackOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shown string
		reads int
	}{
		"the pair":    {"new", 0},
		"another key": {"other", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newFakeShops(map[string]string{"a": "old"}), clocktest.New(noon)
			s.clock = c
			s.after = func(_ context.Context, kind, _ string, _ int) error {
				if kind == readCall {
					s.set("a", "new")
				}
				return nil
			}
			answers := answeringShops{readBackShops{s}, test.shown}
			shops := rotation.NewShops(rotation.Options{
				Shops: answers, Merchant: &fakeMerchant{verdicts: []kustom.Verdict{""}}, Clock: c, Names: s.names,
			})
			holds, err := shops.Install(t.Context(), "a", pair)
			if err != nil || holds.KustomID != "new" || holds.ReadBack {
				t.Fatalf("the shop holds %+v, error %v", holds, err)
			}
			if n := s.called(readCall, "a"); n != test.reads {
				t.Errorf("the shop was read %d times, want %d", n, test.reads)
			}
			if err := shops.CheckUnused(t.Context(), orphan("old"), time.Time{}); err != nil || s.called(readCall, "a") != test.reads {
				t.Errorf("after %d reads: %v", s.called(readCall, "a"), err)
			}
			c.Advance(rotation.FreshFor)
			if err := shops.CheckUnused(t.Context(), orphan("old"), time.Time{}); err != nil || s.called(readCall, "a") != test.reads+1 {
				t.Errorf("after %d reads: %v", s.called(readCall, "a"), err)
			}
		})
	}
}

// answeringShops answers a write with what it is given.
type answeringShops struct {
	readBackShops
	shown string
}

func (a answeringShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := a.readBackShops.Install(ctx, shop, kustomID, kustomSecret)
	holds.KustomID = a.shown
	return holds, err
}

// listingPortal is a portal that lists the store's keys itself right before it deletes one, as pages do.
type listingPortal struct{ *fakePortal }

func (listingPortal) ListsBeforeDeletion() bool { return true }

func (listingPortal) ListsByStore() bool { return true }

// TestFresh_ListsStoreByStore: where a list of all stores takes as many loads as there are stores, those who ask for some
// of them at once do not have all listed.
func TestFresh_ListsStoreByStore(t *testing.T) {
	t.Parallel()
	var keys []kustom.Key
	stores := []string{"M1", "M2", "M3", "M4", "M5"}
	for _, id := range stores {
		keys = append(keys, kustom.Key{MerchantID: id, CredentialID: "id-" + id, Username: id + "-old", CreatedAt: noon})
	}
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, keys...)
	e := rotation.New(rotation.Options{
		Portal: listingPortal{env.portal}, Shops: env.shops, Merchant: env.merchant, Clock: env.clock, Names: env.shops.names,
	})
	for _, err := range e.Keys.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	env.clock.Advance(rotation.FreshFor)
	env.portal.before = func(kind, about string, _ int) error {
		if kind == listCall && about == "" {
			t.Error("all stores are listed")
		}
		return nil
	}
	before := env.portal.calls[listCall]
	asked := stores[:3]
	err := rotation.Concurrently(t.Context(), freshOf(e, asked)...)
	if n := env.portal.calls[listCall] - before; err != nil || n != len(asked) {
		t.Errorf("%d lists, error %v", n, err)
	}
}

// freshOf are calls that list stores anew.
func freshOf(e *rotation.Engine, stores []string) []func(context.Context) error {
	var calls []func(context.Context) error
	for _, id := range stores {
		calls = append(calls, func(ctx context.Context) error {
			_, err := e.Keys.Fresh(ctx, id)
			return err
		})
	}
	return calls
}

// TestDeleteUnused_ListsOnceBefore: where the portal lists the keys right before it deletes one, an older list tells
// which key it is. It does not tell when the key was used last, nor that there is no such key.
func TestDeleteUnused_ListsOnceBefore(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		lists     bool
		known     bool
		unusedFor time.Duration
		before    int
	}{
		"an older list":     {lists: true, known: true},
		"evidence":          {lists: true, known: true, unusedFor: day, before: 1},
		"a key not listed":  {lists: true, before: 1},
		"a portal's answer": {known: true, before: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-new"))
			old := m1("M1-old")
			if test.known {
				env.portal.keys = append(env.portal.keys, old)
			}
			if test.lists {
				env.engine = rotation.New(rotation.Options{
					Portal: listingPortal{env.portal}, Shops: env.shops, Merchant: env.merchant, Clock: env.clock, Names: env.shops.names,
				})
			}
			if _, err := env.engine.Keys.Fresh(t.Context(), "M1"); err != nil {
				t.Fatal(err)
			}
			if !test.known {
				env.portal.keys = append(env.portal.keys, old)
			}
			env.clock.Advance(rotation.FreshFor)
			listed, before := env.portal.calls[listCall], -1
			env.portal.before = func(kind, _ string, _ int) error {
				if kind == deleteCall {
					before = env.portal.calls[listCall] - listed
				}
				return nil
			}
			if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), test.unusedFor); err != nil {
				t.Fatal(err)
			}
			if before != test.before {
				t.Errorf("the keys were listed %d times before the deletion, want %d", before, test.before)
			}
			if after := env.portal.calls[listCall] - listed - before; after != 1 {
				t.Errorf("the keys were listed %d times after the deletion", after)
			}
			env.wantKeys("M1-new")
		})
	}
}
