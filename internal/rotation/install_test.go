package rotation_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestInstall_ReadsShopAfterLostAnswer(t *testing.T) {
	t.Parallel()
	first := func(err error) func(int) error {
		return func(call int) error {
			if call == 1 {
				return err
			}
			return nil
		}
	}
	always := func(err error) func(int) error { return func(int) error { return err } }
	tests := map[string]struct {
		// before fails a write that is not done, and after one that is done.
		before, after func(call int) error
		// unread says that the shop was not read before. holds is its username then; the default is old. meanwhile
		// says that somebody changes the shop after the read.
		unread    bool
		holds     string
		meanwhile bool
		writes    int
		fails     error
	}{
		"plain":                         {writes: 1},
		"answer lost":                   {after: first(errLost), writes: 1},
		"answer lost, unread":           {after: first(errLost), unread: true, writes: 2},
		"answers lost, unread":          {after: always(errLost), unread: true, writes: 2},
		"request lost":                  {before: first(errLost), writes: 2},
		"request lost, unread":          {before: first(errLost), unread: true, writes: 2},
		"requests lost for ever":        {before: always(errLost), writes: 3, fails: errLost},
		"request lost, another secret":  {before: first(errLost), holds: "new", writes: 2},
		"answer lost, another secret":   {after: first(errLost), holds: "new", writes: 1},
		"request lost, changed since":   {before: first(errLost), meanwhile: true, writes: 2},
		"refused":                       {before: always(errRefused), writes: 1, fails: errRefused},
		"request lost, then refused":    {before: func(call int) error { return []error{errLost, errRefused}[call-1] }, writes: 2, fails: errRefused},
		"request lost, then the answer": {before: first(errLost), after: func(call int) error { return []error{nil, errLost}[call-1] }, writes: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeShops(map[string]string{"a": cmp.Or(test.holds, "old")})
			s.before = hook(test.before)
			s.after = hook(test.after)
			shops := newShops(s, clocktest.New(noon))
			if !test.unread {
				if _, err := shops.Credentials(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
			}
			if test.meanwhile {
				s.set("a", "other")
			}
			holds, err := shops.Install(t.Context(), "a", pair)
			if !errors.Is(err, test.fails) {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && holds != s.shops["a"] {
				t.Errorf("it returned %+v, the shop holds %+v", holds, s.shops["a"])
			}
			if n := s.called(writeCall, "a"); n != test.writes {
				t.Errorf("%d writes were sent, want %d", n, test.writes)
			}
			if known, err := shops.Credentials(t.Context(), "a"); err != nil || known != s.shops["a"] {
				t.Errorf("the shop is taken to hold %+v, error %v", known, err)
			}
		})
	}
}

// hook returns a hook that fails writes.
func hook(fails func(call int) error) func(context.Context, string, string, int) error {
	return func(_ context.Context, kind, _ string, call int) error {
		if kind != writeCall || fails == nil {
			return nil
		}
		return fails(call)
	}
}

func TestInstall_ReadsPairBack(t *testing.T) {
	t.Parallel()
	t.Run("shown at last", func(t *testing.T) {
		t.Parallel()
		fake := clocktest.New(noon)
		s := newFakeShops(map[string]string{"a": "old"})
		s.after = hook(func(int) error { s.set("a", "old"); return nil })
		s.before = func(_ context.Context, kind, _ string, call int) error {
			if kind == readCall && call == 3 {
				s.set("a", "new")
			}
			return nil
		}
		if _, err := newShops(s, fake).Install(t.Context(), "a", pair); err != nil || fake.Now().Equal(noon) {
			t.Errorf("after %v: %v", fake.Now().Sub(noon), err)
		}
	})
	t.Run("another key", func(t *testing.T) {
		t.Parallel()
		s := newFakeShops(map[string]string{"a": "old"})
		s.after = hook(func(int) error { s.set("a", "other"); return nil })
		_, err := newShops(s, clocktest.New(noon)).Install(t.Context(), "a", pair)
		var mismatch *rotation.MismatchError
		if !errors.As(err, &mismatch) || *mismatch != (rotation.MismatchError{Shop: "a", Want: "new", Got: "other"}) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no secret", func(t *testing.T) {
		t.Parallel()
		s := newFakeShops(map[string]string{"a": "old"})
		s.after = hook(func(int) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			holds := s.shops["a"]
			holds.Secret = mystore.SecretMissing
			s.shops["a"] = holds
			return nil
		})
		_, err := newShops(s, clocktest.New(noon)).Install(t.Context(), "a", pair)
		var mismatch *rotation.MismatchError
		if !errors.As(err, &mismatch) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("not readable", func(t *testing.T) {
		t.Parallel()
		s := newFakeShops(map[string]string{"a": "old"})
		s.before = failShop(readCall, "", errLost)
		if _, err := newShops(s, clocktest.New(noon)).Install(t.Context(), "a", pair); !errors.Is(err, errLost) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestInstall_EndsWhenCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(map[string]string{"a": "old"})
		s.before = func(ctx context.Context, kind, _ string, _ int) error {
			if kind != writeCall {
				return nil
			}
			if err := (clock.System{}).Sleep(ctx, time.Hour); err != nil {
				return &transport.Error{Kind: transport.NoAnswer, Uncertain: true, Err: err}
			}
			return nil
		}
		shops := newShops(s, clock.System{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := shops.Install(ctx, "a", pair)
		if took := time.Since(start); took != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", took, err)
		}
		if n := s.called(writeCall, "a"); n != 1 {
			t.Errorf("%d writes were sent", n)
		}
	})
}

func TestProve_RetriesWhileKeyPropagates(t *testing.T) {
	t.Parallel()
	refused := kustom.VerdictRefused
	tests := map[string]struct {
		verdicts  []kustom.Verdict
		timeout   time.Duration
		verdict   kustom.Verdict
		proofs    int // 0 stands for any number
		atLeast   time.Duration
		atTheMost time.Duration
	}{
		"accepted":              {verdicts: []kustom.Verdict{""}, proofs: 1},
		"refused at first":      {verdicts: []kustom.Verdict{refused, refused, refused, ""}, proofs: 4, atLeast: time.Second, atTheMost: time.Minute},
		"refused for ever":      {verdicts: []kustom.Verdict{refused}, verdict: refused, atLeast: 45 * time.Second, atTheMost: time.Minute},
		"refused, little time":  {verdicts: []kustom.Verdict{refused}, timeout: 10 * time.Second, verdict: refused, atLeast: time.Second, atTheMost: 10 * time.Second},
		"firewall":              {verdicts: []kustom.Verdict{kustom.VerdictFirewall}, verdict: kustom.VerdictFirewall, proofs: 1},
		"unknown":               {verdicts: []kustom.Verdict{kustom.VerdictUnknown}, verdict: kustom.VerdictUnknown, proofs: 1},
		"refused, then unknown": {verdicts: []kustom.Verdict{refused, kustom.VerdictUnknown}, verdict: kustom.VerdictUnknown, proofs: 2, atTheMost: time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := clocktest.New(noon)
			ctx, cancel := clock.WithTimeout(t.Context(), fake, cmp.Or(test.timeout, time.Hour))
			defer cancel()
			p := &fakeMerchant{verdicts: test.verdicts}
			err := rotation.NewShops(rotation.Options{Shops: newFakeShops(nil), Merchant: p, Clock: fake}).Prove(ctx, pair)
			var proof *kustom.ProofError
			if errors.As(err, &proof); (err == nil) != (test.verdict == "") || (proof != nil && proof.Verdict != test.verdict) {
				t.Errorf("the error is %v", err)
			}
			if took := fake.Now().Sub(noon); took < test.atLeast || took > test.atTheMost {
				t.Errorf("it took %v", took)
			}
			if test.proofs != 0 && p.proofs != test.proofs || p.proofs > 20 {
				t.Errorf("it asked %d times", p.proofs)
			}
			if err != nil && strings.Contains(err.Error(), pair.Secret.Reveal()) {
				t.Error("the error holds the secret")
			}
		})
	}
}

func TestProve_EndsWhenCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shops := rotation.NewShops(rotation.Options{
			Shops: newFakeShops(nil), Merchant: &fakeMerchant{verdicts: []kustom.Verdict{kustom.VerdictRefused}}, Clock: clock.System{},
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		start := time.Now()
		err := shops.Prove(ctx, pair)
		if took := time.Since(start); err == nil || took != 2*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error does not say that it was cancelled: %v", err)
		}
	})
}

func TestInstall_DoesNotRepeatReadOfPage(t *testing.T) {
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

// answeringShops shows a given username in the answer to a write.
type answeringShops struct {
	readBackShops
	shown string
}

func (a answeringShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := a.readBackShops.Install(ctx, shop, kustomID, kustomSecret)
	holds.KustomID = a.shown
	return holds, err
}

// readBackShops reads a shop back after a write, as the pages do.
type readBackShops struct{ *fakeShops }

func (r readBackShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := r.fakeShops.Install(ctx, shop, kustomID, kustomSecret)
	holds.ReadBack = true
	return holds, err
}

func TestCheckInstalled_FindsKeyDeletedDuringInstall(t *testing.T) {
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
