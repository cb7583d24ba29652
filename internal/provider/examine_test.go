package provider

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// examined is a shop, and a merchant API, whose answers are made up by a test.
type examined struct {
	mystoreService
	extension func(context.Context) (mystore.Extension, error)
	prove     func(context.Context) error
}

func (e examined) Extension(ctx context.Context, _ string) (mystore.Extension, error) {
	return e.extension(ctx)
}

func (e examined) Prove(ctx context.Context, _, _ string) error { return e.prove(ctx) }

func (e examined) examine(verify bool) (mystore.Extension, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	r := &checkoutCredentialsResource{configuredResource{backend{mystore: e, engine: rotation.New(rotation.Options{Merchant: e, Clock: c})}}}
	return r.examine(ctx, "butikk", rotation.Pair{}, verify)
}

func TestExamine_ProvesWhileTheShopAnswers(t *testing.T) {
	shop, merchant := make(chan struct{}), make(chan struct{})
	meet := func(ctx context.Context, mine, other chan struct{}) error {
		close(mine)
		select {
		case <-other:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	extension, err := examined{
		extension: func(ctx context.Context) (mystore.Extension, error) {
			return mystore.Extension{Version: "3.4.1"}, meet(ctx, shop, merchant)
		},
		prove: func(ctx context.Context) error { return meet(ctx, merchant, shop) },
	}.examine(true)
	if err != nil || extension.Version != "3.4.1" {
		t.Errorf("got %+v, %v", extension, err)
	}
}

func TestExamine_ShopErrorCancelsProof(t *testing.T) {
	missing := &mystore.NotInstalledError{Shop: "butikk"}
	_, err := examined{
		extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, missing },
		prove: func(ctx context.Context) error {
			<-ctx.Done()
			return &kustom.ProofError{Verdict: kustom.VerdictUnknown, Cause: ctx.Err()}
		},
	}.examine(true)
	if !errors.Is(err, missing) {
		t.Fatalf("got %v, want what is wrong with the shop", err)
	}
	if at, hint := installErrorPath(err); !at.Equal(path.Root("shop")) || hint != "" {
		t.Errorf("it is said of %s: %q", at, hint)
	}
}

func TestExamine_PairIsUnfit(t *testing.T) {
	for _, test := range []struct {
		verdict kustom.Verdict
		hint    bool
	}{
		{kustom.VerdictRefused, false},
		{kustom.VerdictNoProduct, false},
		{kustom.VerdictImpostor, false},
		{kustom.VerdictFirewall, true},
		{kustom.VerdictUnknown, true},
	} {
		proof := &kustom.ProofError{Verdict: test.verdict, Cause: errors.New("why")}
		_, err := examined{
			extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, nil },
			prove:     func(context.Context) error { return proof },
		}.examine(true)
		if at, hint := installErrorPath(err); !errors.Is(err, proof) || !at.Equal(path.Root("kustom_id")) || (hint != "") != test.hint {
			t.Errorf("%v: got %v, of %s, with the hint %q", test.verdict, err, at, hint)
		}
	}
}

func TestExamine_ProvesOnlyWhereWanted(t *testing.T) {
	_, err := examined{
		extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, nil },
		prove:     func(context.Context) error { return errors.New("asked") },
	}.examine(false)
	if err != nil {
		t.Error(err)
	}
}
