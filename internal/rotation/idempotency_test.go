package rotation

import "testing"

func TestIdempotencyKey_DependsOnRequest(t *testing.T) {
	t.Parallel()
	description, other := "terraform", "webshop"
	plan := Plan{Shop: "butikk", MerchantID: "M1", Description: &description}
	same := idempotencyKey(plan, "M1-a", 0)
	if again := idempotencyKey(plan, "M1-a", 0); again != same {
		t.Errorf("the same request has %s and %s", same, again)
	}
	keys := map[string]string{"": same}
	for what, key := range map[string]string{
		"merchant ID": idempotencyKey(Plan{Shop: "butikk", MerchantID: "M2", Description: &description}, "M1-a", 0),
		"shop":        idempotencyKey(Plan{Shop: "nettbutikk", MerchantID: "M1", Description: &description}, "M1-a", 0),
		"description": idempotencyKey(Plan{Shop: "butikk", MerchantID: "M1", Description: &other}, "M1-a", 0),
		"holds":       idempotencyKey(plan, "M1-b", 0),
		"number":      idempotencyKey(plan, "M1-a", 1),
	} {
		for earlier, used := range keys {
			if key == used {
				t.Errorf("a request with another %s has the key of %q", what, earlier)
			}
		}
		keys[what] = key
	}
}
