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

// readingBack is a service that reads a shop back for the answer to a write, as pages do.
type readingBack struct{ *service }

func (r readingBack) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := r.service.Install(ctx, shop, kustomID, kustomSecret)
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
			s, c := newService(map[string]string{"a": "old"}), clocktest.New(noon)
			s.clock = c
			s.after = func(_ context.Context, kind, _ string, _ int) error {
				if kind == read {
					s.move("a", "new")
				}
				return nil
			}
			answers := answering{readingBack{s}, test.shown}
			shops := rotation.NewShops(rotation.Options{
				Shops: answers, Merchant: &prover{verdicts: []kustom.Verdict{""}}, Clock: c, Names: s.names,
			})
			holds, err := shops.Install(t.Context(), "a", pair)
			if err != nil || holds.KustomID != "new" || holds.ReadBack {
				t.Fatalf("the shop holds %+v, error %v", holds, err)
			}
			if n := s.called(read, "a"); n != test.reads {
				t.Errorf("the shop was read %d times, want %d", n, test.reads)
			}
			if err := shops.CheckUnused(t.Context(), orphan("old"), time.Time{}); err != nil || s.called(read, "a") != test.reads {
				t.Errorf("after %d reads: %v", s.called(read, "a"), err)
			}
			c.Advance(rotation.FreshFor)
			if err := shops.CheckUnused(t.Context(), orphan("old"), time.Time{}); err != nil || s.called(read, "a") != test.reads+1 {
				t.Errorf("after %d reads: %v", s.called(read, "a"), err)
			}
		})
	}
}

// answering answers a write with what it is given.
type answering struct {
	readingBack
	shown string
}

func (a answering) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := a.readingBack.Install(ctx, shop, kustomID, kustomSecret)
	holds.KustomID = a.shown
	return holds, err
}

// listing is a portal that lists the store's keys itself right before it deletes one, as pages do.
type listing struct{ *account }

func (listing) ListsBeforeDeletion() bool { return true }

func (listing) ListsByStore() bool { return true }

// TestFresh_ListsStoreByStore: where a list of all stores takes as many loads as there are stores, those who ask for some
// of them at once do not have all listed.
func TestFresh_ListsStoreByStore(t *testing.T) {
	t.Parallel()
	var keys []kustom.Key
	stores := []string{"M1", "M2", "M3", "M4", "M5"}
	for _, id := range stores {
		keys = append(keys, kustom.Key{MerchantID: id, CredentialID: "id-" + id, Username: id + "-old", CreatedAt: noon})
	}
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, keys...)
	e := rotation.New(rotation.Options{
		Portal: listing{w.portal}, Shops: w.shops, Merchant: w.prover, Clock: w.clock, Names: w.shops.names,
	})
	for _, err := range e.Keys.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(rotation.FreshFor)
	w.portal.before = func(kind, about string, _ int) error {
		if kind == list && about == "" {
			t.Error("all stores are listed")
		}
		return nil
	}
	before := w.portal.calls[list]
	asked := stores[:3]
	err := rotation.Concurrently(t.Context(), freshOf(e, asked)...)
	if n := w.portal.calls[list] - before; err != nil || n != len(asked) {
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
			w := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-new"))
			old := m1("M1-old")
			if test.known {
				w.portal.keys = append(w.portal.keys, old)
			}
			if test.lists {
				w.engine = rotation.New(rotation.Options{
					Portal: listing{w.portal}, Shops: w.shops, Merchant: w.prover, Clock: w.clock, Names: w.shops.names,
				})
			}
			if _, err := w.engine.Keys.Fresh(t.Context(), "M1"); err != nil {
				t.Fatal(err)
			}
			if !test.known {
				w.portal.keys = append(w.portal.keys, old)
			}
			w.clock.Advance(rotation.FreshFor)
			listed, before := w.portal.calls[list], -1
			w.portal.before = func(kind, _ string, _ int) error {
				if kind == discard {
					before = w.portal.calls[list] - listed
				}
				return nil
			}
			if err := w.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), test.unusedFor); err != nil {
				t.Fatal(err)
			}
			if before != test.before {
				t.Errorf("the keys were listed %d times before the deletion, want %d", before, test.before)
			}
			if after := w.portal.calls[list] - listed - before; after != 1 {
				t.Errorf("the keys were listed %d times after the deletion", after)
			}
			w.wantKeys("M1-new")
		})
	}
}
