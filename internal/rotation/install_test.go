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

var pair = rotation.Pair{Username: "new", Secret: kustom.NewSecret("kco_live_api_x")}

// outcomes are the errors of the calls in turn. The last one repeats.
type outcomes []error

// hook returns a hook that fails writes by these outcomes.
func (o outcomes) hook() func(context.Context, string, string, int) error {
	return func(_ context.Context, kind, _ string, call int) error {
		if kind != writeCall || len(o) == 0 {
			return nil
		}
		return o[min(call, len(o))-1]
	}
}

func TestInstall_ReadsShopAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// lost are the outcomes of requests that change nothing, and answers those of requests that are carried out.
		lost, answers outcomes
		// unread says that the shop was not read before. holds is its username then; the default is old. meanwhile says
		// that somebody changes the shop after the read.
		unread    bool
		holds     string
		meanwhile bool
		writes    int
		fails     error
	}{
		"plain":                         {writes: 1},
		"answer lost":                   {answers: outcomes{errLost, nil}, writes: 1},
		"answer lost, unread":           {answers: outcomes{errLost, nil}, unread: true, writes: 2},
		"answers lost, unread":          {answers: outcomes{errLost}, unread: true, writes: 2},
		"request lost":                  {lost: outcomes{errLost, nil}, writes: 2},
		"request lost, unread":          {lost: outcomes{errLost, nil}, unread: true, writes: 2},
		"all requests lost":             {lost: outcomes{errLost}, writes: 3, fails: errLost},
		"request lost, another secret":  {lost: outcomes{errLost, nil}, holds: "new", writes: 2},
		"answer lost, another secret":   {answers: outcomes{errLost, nil}, holds: "new", writes: 1},
		"request lost, changed since":   {lost: outcomes{errLost, nil}, meanwhile: true, writes: 2},
		"refused":                       {lost: outcomes{errRefused}, writes: 1, fails: errRefused},
		"request lost, then refused":    {lost: outcomes{errLost, errRefused}, writes: 2, fails: errRefused},
		"request lost, then the answer": {lost: outcomes{errLost, nil}, answers: outcomes{nil, errLost}, writes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeShops(map[string]string{"a": cmp.Or(test.holds, "old")})
			s.before, s.after = test.lost.hook(), test.answers.hook()
			shops := newShops(s, clocktest.New(noon))
			if !test.unread {
				readAll(t, shops)
			}
			if test.meanwhile {
				s.set("a", "other")
			}
			credentials, err := shops.Install(t.Context(), "a", pair)
			if !errors.Is(err, test.fails) {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && credentials != s.shops["a"] {
				t.Errorf("it returned %+v, the shop holds %+v", credentials, s.shops["a"])
			}
			if n := s.called(writeCall, "a"); n != test.writes {
				t.Errorf("%d writes were sent, want %d", n, test.writes)
			}
			if cached, err := shops.Credentials(t.Context(), "a"); err != nil || cached != s.shops["a"] {
				t.Errorf("the cache has %+v, error %v", cached, err)
			}
		})
	}
}

// The read after a write counts, and not the answer to the write.
func TestInstall_ReadsPairBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// after changes the shop right after the write, and read at the given read.
		after func(s *fakeShops)
		read  func(s *fakeShops, call int) error
		waits bool
		err   error
		got   string
	}{
		"shown later": {
			after: func(s *fakeShops) { s.set("a", "old") },
			read: func(s *fakeShops, call int) error {
				if call == 3 {
					s.set("a", "new")
				}
				return nil
			},
			waits: true,
		},
		"another key": {after: func(s *fakeShops) { s.set("a", "other") }, waits: true, got: "other"},
		"no secret":   {after: func(s *fakeShops) { s.shops["a"] = mystore.Credentials{KustomID: "new", Secret: mystore.SecretMissing} }, waits: true, got: "new"},
		"unreadable":  {read: func(*fakeShops, int) error { return errLost }, err: errLost},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s := clocktest.New(noon), newFakeShops(map[string]string{"a": "old"})
			s.before = func(_ context.Context, kind, _ string, call int) error {
				if kind == readCall && test.read != nil {
					return test.read(s, call)
				}
				return nil
			}
			s.after = func(_ context.Context, kind, _ string, _ int) error {
				if kind == writeCall && test.after != nil {
					test.after(s)
				}
				return nil
			}
			_, err := newShops(s, fake).Install(t.Context(), "a", pair)
			var mismatch *rotation.MismatchError
			if errors.As(err, &mismatch) != (test.got != "") || mismatch != nil && *mismatch != (rotation.MismatchError{Shop: "a", Want: "new", Got: test.got}) {
				t.Errorf("the error is %v", err)
			}
			if mismatch == nil && !errors.Is(err, test.err) || fake.Now().Equal(noon) == test.waits {
				t.Errorf("after %v: %v", fake.Now().Sub(noon), err)
			}
		})
	}
}

// readBackShops reads a shop back after a write, as the pages do. It shows a given username in the answer.
type readBackShops struct {
	*fakeShops
	shown string
}

func (r readBackShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	credentials, err := r.fakeShops.Install(ctx, shop, kustomID, kustomSecret)
	credentials.ReadBack, credentials.KustomID = true, r.shown
	return credentials, err
}

func TestInstall_DoesNotRepeatReadOfPage(t *testing.T) {
	t.Parallel()
	for shown, reads := range map[string]int{"new": 0, "other": 1} {
		t.Run(shown, func(t *testing.T) {
			s, c := newFakeShops(map[string]string{"a": "old"}), clocktest.New(noon)
			s.clock = c
			s.after = onShopCall(readCall, "", 0, func() error { s.set("a", "new"); return nil })
			shops := rotation.NewShops(rotation.Options{
				Shops: readBackShops{s, shown}, Merchant: &fakeMerchant{verdicts: []kustom.Verdict{""}}, Clock: c, Names: s.names,
			})
			credentials, err := shops.Install(t.Context(), "a", pair)
			if n := s.called(readCall, "a"); err != nil || credentials.KustomID != "new" || credentials.ReadBack || n != reads {
				t.Fatalf("the shop holds %+v after %d reads, error %v", credentials, n, err)
			}
			for _, more := range []int{0, 1} {
				if err := checkUnused(t, shops, "old"); err != nil || s.called(readCall, "a") != reads+more {
					t.Errorf("after %d reads: %v", s.called(readCall, "a"), err)
				}
				c.Advance(rotation.FreshFor)
			}
		})
	}
}

func TestInstall_EndsWhenCancelled(t *testing.T) {
	withShops(t, map[string]string{"a": "old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.before = func(ctx context.Context, kind, _ string, _ int) error {
			if kind != writeCall {
				return nil
			}
			if err := (clock.System{}).Sleep(ctx, time.Hour); err != nil {
				return &transport.Error{Kind: transport.NoAnswer, Uncertain: true, Err: err}
			}
			return nil
		}
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

// Some nodes refuse a key that is seconds old, for up to a minute.
func TestProve_RetriesWhileKeyPropagates(t *testing.T) {
	t.Parallel()
	const refused, firewall, unknown = kustom.VerdictRefused, kustom.VerdictFirewall, kustom.VerdictUnknown
	for name, test := range map[string]struct {
		verdicts    []kustom.Verdict
		timeout     time.Duration
		verdict     kustom.Verdict
		proofs      int // 0 means any number
		least, most time.Duration
	}{
		"accepted":              {verdicts: []kustom.Verdict{""}, proofs: 1},
		"refused at first":      {verdicts: []kustom.Verdict{refused, refused, refused, ""}, proofs: 4, least: time.Second, most: time.Minute},
		"always refused":        {verdicts: []kustom.Verdict{refused}, verdict: refused, least: 45 * time.Second, most: time.Minute},
		"refused, little time":  {verdicts: []kustom.Verdict{refused}, timeout: 10 * time.Second, verdict: refused, least: time.Second, most: 10 * time.Second},
		"firewall":              {verdicts: []kustom.Verdict{firewall}, verdict: firewall, proofs: 1},
		"unknown":               {verdicts: []kustom.Verdict{unknown}, verdict: unknown, proofs: 1},
		"refused, then unknown": {verdicts: []kustom.Verdict{refused, unknown}, verdict: unknown, proofs: 2, most: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			fake := clocktest.New(noon)
			ctx, cancel := clock.WithTimeout(t.Context(), fake, cmp.Or(test.timeout, time.Hour))
			defer cancel()
			p := &fakeMerchant{verdicts: test.verdicts}
			err := rotation.NewShops(rotation.Options{Shops: newFakeShops(nil), Merchant: p, Clock: fake}).Prove(ctx, pair)
			var proof *kustom.ProofError
			if errors.As(err, &proof); (err == nil) != (test.verdict == "") || (proof != nil && proof.Verdict != test.verdict) {
				t.Errorf("the error is %v", err)
			}
			if took := fake.Now().Sub(noon); took < test.least || took > test.most {
				t.Errorf("it took %v", took)
			}
			if test.proofs != 0 && p.proofs != test.proofs || p.proofs > 20 {
				t.Errorf("there were %d proofs", p.proofs)
			}
			if err != nil && strings.Contains(err.Error(), pair.Secret.Reveal()) {
				t.Error("the error holds the secret")
			}
		})
	}
}

// The error says that the wait was cancelled, and not that the pair is wrong.
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
		if took := time.Since(start); took != 2*time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestCheckInstalled_FindsKeyDeletedDuringInstall(t *testing.T) {
	t.Parallel()
	const refused = kustom.VerdictRefused
	for name, test := range map[string]struct {
		key      string
		verdicts []kustom.Verdict
		before   func(kind, about string, call int) error
		unlisted bool
		vanished bool
	}{
		"listed":                      {key: "M1-new", verdicts: []kustom.Verdict{refused}},
		"deleted":                     {key: "M1-old", verdicts: []kustom.Verdict{refused}, vanished: true},
		"not listed, and works":       {key: "M1-old", verdicts: []kustom.Verdict{""}},
		"not listed, and works later": {key: "M1-old", verdicts: []kustom.Verdict{refused, refused, ""}},
		"no list was read before":     {key: "M1-old", verdicts: []kustom.Verdict{refused}, unlisted: true},
		"the list can't be read":      {key: "M1-old", verdicts: []kustom.Verdict{refused}, before: failCalls("", errLost)},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1(test.key))
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
				t.Errorf("the error is %v", err)
			}
			if test.unlisted && env.portal.calls[listCall] != asked {
				t.Error("the portal was called")
			}
		})
	}
}
