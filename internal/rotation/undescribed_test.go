package rotation_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// TestUndescribed_KeyGetsNoDescription: the portal's pages have none, so a default would never be read back.
func TestUndescribed_KeyGetsNoDescription(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.noDescriptions = true
	c := config()
	c.NoDescriptions = true
	var record rotation.Record
	if _, err := env.connect(c, &record); err != nil || record.Description != nil {
		t.Fatalf("the description is %v, error %v", record.Description, err)
	}
	env.wantKeys("M1-new1")
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	if plan, err := rotation.Decide(c, &record, nil); err != nil || plan.Generate || plan.Changes || plan.Description != nil {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
}

// TestUndescribed_RefusesDescription, in the plan and, where the plan did not know it, before a key is made.
func TestUndescribed_RefusesDescription(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil)
	env.portal.noDescriptions = true
	c, description := config(), "webshop"
	c.NoDescriptions, c.Description = true, &description
	if _, err := rotation.Decide(c, nil, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a new shop: %v", err)
	}
	if _, err := rotation.Decide(c, &rotation.Record{MerchantID: "M1"}, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a connected shop: %v", err)
	}
	if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: description}); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("generating: %v", err)
	}
	if env.portal.called(generateCall) != 0 {
		t.Error("a key was asked for")
	}
}

// TestUndescribed_LooksForNoLostKeys: without idempotency keys, to ask again would make another key.
func TestUndescribed_LooksForNoLostKeys(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.noDescriptions = true
	lost, err := env.engine.LostKeys(t.Context(), "a", rotation.Record{MerchantID: "M1"})
	if err != nil || len(lost) != 0 || env.portal.called(generateCall) != 0 {
		t.Errorf("it found %v, error %v, and asked %d times", lost, err, env.portal.called(generateCall))
	}
}
