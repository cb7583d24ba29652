package provider_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// TestTrouble_OfOneShopIsItsOwn: whatever one shop's API answers, the plan does not fail, and the other shops get their keys.
func TestTrouble_OfOneShopIsItsOwn(t *testing.T) {
	t.Parallel()
	json := func(body string) sandbox.Fault {
		return sandbox.Fault{Status: http.StatusOK, Body: body, ContentType: "application/vnd.api+json"}
	}
	faults := map[string][]sandbox.Fault{
		"204":                        {{Status: http.StatusNoContent}},
		"an empty object":            {json(`{}`)},
		"about something else":       {json(`{"data":{"type":"products","id":"7","attributes":{}}}`)},
		"a list":                     {json(`{"data":[]}`)},
		"a number as Kustom ID":      {json(`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":7}}}`)},
		"a page":                     {{Status: http.StatusOK, Body: "<html>Back soon</html>", ContentType: "text/html"}},
		"a redirect":                 {{Status: http.StatusFound, Header: http.Header{"Location": {"https://login.example/"}}}},
		"401":                        {{Status: http.StatusUnauthorized}},
		"404":                        {{Status: http.StatusNotFound}},
		"410":                        {{Status: http.StatusGone}},
		"429":                        {{Status: http.StatusTooManyRequests}},
		"500":                        {{Status: http.StatusInternalServerError}},
		"503":                        {{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"7"}}}},
		"404, and no list":           {{Template: credentialsCall, Status: http.StatusNotFound}, json(`{}`)},
		"404, and a list too long":   {{Template: credentialsCall, Status: http.StatusNotFound}, json(`{"data":[],"links":{"next":"?page%5Bsize%5D=100"}}`)},
		"404, and a link to nowhere": {{Template: credentialsCall, Status: http.StatusNotFound}, json(`{"data":[],"links":{"next":"::"}}`)},
		"a torn body":                {{Kind: sandbox.FaultTruncate}},
	}
	const sick, well = "shop-00001", "shop-00002"
	configs := map[string]tfdriver.Config{
		"connections": {
			{Address: "kustom_mystore_connection.sick", Values: tfdriver.Values{"shop": sick, "merchant_id": "M00500001"}},
			{Address: "kustom_mystore_connection.well", Values: tfdriver.Values{"shop": well, "merchant_id": "M00500002"}},
		},
		"a fleet": {{Address: "kustom_mystore_fleet.all", Values: tfdriver.Values{"shops": tfdriver.Values{
			sick: tfdriver.Values{"merchant_id": "M00500001"}, well: tfdriver.Values{"merchant_id": "M00500002"},
		}}}},
	}
	for kind, config := range configs {
		for name, faults := range faults {
			for _, known := range []bool{false, true} {
				title := kind + ", new, " + name
				if known {
					title = kind + ", known, " + name
				}
				t.Run(title, func(t *testing.T) {
					t.Parallel()
					r := newRollout(t, 2)
					config, state := config, tfdriver.NewState()
					if known {
						state = r.mustApply(t, config, state)
						config = withOtherTriggers(config)
					}
					for _, fault := range faults {
						fault.API, fault.Match = sandbox.Mystore, func(q sandbox.Request) bool { return q.Shop == sick }
						armed := r.box.Arm(fault)
						defer func() {
							if armed.Fired() == 0 {
								t.Error("a fault has not happened")
							}
						}()
					}
					before, _ := r.box.Shop(well)
					plan := r.driver.Plan(t.Context(), config, state, r.start, tfdriver.Options{})
					if plan.Failed() {
						t.Fatalf("the plan fails: %q", plan.Errors)
					}
					if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, sick) }) {
						t.Errorf("the plan does not name the shop: %q", plan.Warnings)
					}
					_, result := r.driver.Apply(t.Context(), plan)
					if after, _ := r.box.Shop(well); after.KustomID == before.KustomID {
						t.Errorf("the other shop is not switched: %q, %q", result.Errors, result.Warnings)
					}
					for _, key := range r.box.Keys("M00500002") {
						if key.Username == before.KustomID {
							t.Errorf("the other shop's old key is left")
						}
					}
					if violations := r.box.Violations(); len(violations) > 0 {
						t.Error(violations)
					}
				})
			}
		}
	}
}

// mustApply plans and applies a configuration.
func (r *rollout) mustApply(t *testing.T, config tfdriver.Config, state *tfdriver.State) *tfdriver.State {
	t.Helper()
	plan := r.driver.Plan(t.Context(), config, state, r.start, tfdriver.Options{})
	if plan.Failed() {
		t.Fatal(plan.Errors)
	}
	state, result := r.driver.Apply(t.Context(), plan)
	if result.Failed() {
		t.Fatal(result.Errors)
	}
	return state
}

// withOtherTriggers returns a configuration that gives every shop another key.
func withOtherTriggers(config tfdriver.Config) tfdriver.Config {
	var rotating tfdriver.Config
	anew := map[string]any{"because": "test"}
	for _, o := range config {
		o.Values = maps.Clone(o.Values)
		if shops, ok := o.Values["shops"].(tfdriver.Values); ok {
			all := tfdriver.Values{}
			for name, shop := range shops {
				values, _ := shop.(tfdriver.Values)
				values = maps.Clone(values)
				values["rotate_when_changed"], all[name] = anew, values
			}
			o.Values["shops"] = all
		} else {
			o.Values["rotate_when_changed"] = anew
		}
		rotating = append(rotating, o)
	}
	return rotating
}
