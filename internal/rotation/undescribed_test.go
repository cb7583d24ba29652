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
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	w.portal.undescribed = true
	c := config()
	c.NoDescriptions = true
	var record rotation.Record
	if _, err := w.connect(c, &record); err != nil || record.Description != nil {
		t.Fatalf("the description is %v, error %v", record.Description, err)
	}
	w.wantKeys("M1-new1")
	w.rerun()
	if err := w.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	if plan, err := rotation.Decide(c, &record, nil); err != nil || plan.Generate || plan.Changes || plan.Description != nil {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
}

// TestUndescribed_RefusesDescription, in the plan and, where the plan did not know it, before a key is made.
func TestUndescribed_RefusesDescription(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, nil)
	w.portal.undescribed = true
	c, description := config(), "webshop"
	c.NoDescriptions, c.Description = true, &description
	if _, err := rotation.Decide(c, nil, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a new shop: %v", err)
	}
	if _, err := rotation.Decide(c, &rotation.Record{MerchantID: "M1"}, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a connected shop: %v", err)
	}
	if _, err := w.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: description}); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("generating: %v", err)
	}
	if w.portal.called(generate) != 0 {
		t.Error("a key was asked for")
	}
}

// TestUndescribed_LooksForNoLostKeys: without idempotency keys, to ask again would make another key.
func TestUndescribed_LooksForNoLostKeys(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	w.portal.undescribed = true
	lost, err := w.engine.LostKeys(t.Context(), "a", rotation.Record{MerchantID: "M1"})
	if err != nil || len(lost) != 0 || w.portal.called(generate) != 0 {
		t.Errorf("it found %v, error %v, and asked %d times", lost, err, w.portal.called(generate))
	}
}
