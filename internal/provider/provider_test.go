package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// withoutEnvironment takes the provider's environment variables away and returns what they said as
// values for the variables of a configuration.
func (v *vendors) withoutEnvironment() config.Variables {
	variables := config.Variables{
		"environment":    config.StringVariable(v.env["KUSTOM_ENVIRONMENT"]),
		"portal_token":   config.StringVariable(v.env["KUSTOM_PORTAL_TOKEN"]),
		"portal_url":     config.StringVariable(v.server.PortalURL()),
		"api_url":        config.StringVariable(v.server.APIURL()),
		"mystore_url":    config.StringVariable(v.server.MystoreURL()),
		"mystore_tokens": config.MapVariable(map[string]config.Variable{"butikk": config.StringVariable("example-token-butikk")}),
	}
	v.env = nil
	return variables
}

// TestProvider_TakesItsArguments configures the provider by its attributes alone, with tokens that are
// ephemeral, as they come out of a vault.
func TestProvider_TakesItsArguments(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	hcl := generated(t) + `
		variable "environment" { type = string }
		variable "portal_url" { type = string }
		variable "api_url" { type = string }
		variable "mystore_url" { type = string }
		variable "portal_token" {
		  type      = string
		  ephemeral = true
		}
		variable "mystore_tokens" {
		  type      = map(string)
		  ephemeral = true
		}
		provider "kustom" {
		  environment     = var.environment
		  portal_token    = var.portal_token
		  mystore_tokens  = var.mystore_tokens
		  portal_url      = var.portal_url
		  api_url         = var.api_url
		  mystore_url     = var.mystore_url
		  max_retries     = 0
		  request_timeout = "20s"
		}`
	variables := v.withoutEnvironment()
	runInProcess(t, v, []resource.TestStep{
		{Config: hcl, ConfigVariables: variables, PostApplyFunc: func() { v.wantWorking(t, "butikk"); v.release(t, "butikk") }},
	})
}

// lateProvider takes everything from an object that is not applied yet.
const lateProvider = `
variable "environment" {}
variable "portal_token" {}
variable "portal_url" {}
variable "api_url" {}
variable "mystore_url" {}
variable "mystore_tokens" { type = map(string) }

resource "terraform_data" "late" {
  input = {
    environment    = var.environment
    portal_token   = var.portal_token
    mystore_tokens = var.mystore_tokens
    portal_url     = var.portal_url
    api_url        = var.api_url
    mystore_url    = var.mystore_url
  }
}
`

// lateProviders are blocks of a provider of which something is not known until another object is applied.
var lateProviders = map[string]string{
	"everything": `provider "kustom" {
		environment    = terraform_data.late.output.environment
		portal_token   = terraform_data.late.output.portal_token
		mystore_tokens = terraform_data.late.output.mystore_tokens
		portal_url     = terraform_data.late.output.portal_url
		api_url        = terraform_data.late.output.api_url
		mystore_url    = terraform_data.late.output.mystore_url
	}`,
	"one shop's token": `provider "kustom" {
		environment    = var.environment
		portal_token   = var.portal_token
		mystore_tokens = { butikk = terraform_data.late.output.mystore_tokens["butikk"] }
		portal_url     = var.portal_url
		api_url        = var.api_url
		mystore_url    = var.mystore_url
	}`,
}

// TestProvider_PlansBeforeItsArgumentsAreKnown plans and applies in one run with each of lateProviders.
func TestProvider_PlansBeforeItsArgumentsAreKnown(t *testing.T) {
	for name, provider := range lateProviders {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			hcl, variables := generated(t)+lateProvider+provider, v.withoutEnvironment()
			checks := []plancheck.PlanCheck{planned{"terraform_data.late": "create", keyAddress: "create", shopAddress: "create"}}
			if name == "everything" {
				checks = append(checks, plancheck.ExpectUnknownValue(keyAddress, tfjsonpath.New("host")),
					plancheck.ExpectUnknownValue(keyAddress, tfjsonpath.New("environment")))
			}
			runInProcess(t, v, []resource.TestStep{
				{
					Config: hcl, ConfigVariables: variables,
					ConfigPlanChecks:  plans(checks...),
					ConfigStateChecks: inState(keyAddress, values{"host": kustomHost, "environment": "live"}),
					PostApplyFunc:     func() { v.wantWorking(t, "butikk"); v.release(t, "butikk") },
				},
			})
		})
	}
}

// TestProvider_NeedsOnlyTokensInUse works with half of the tokens where the other half is not needed,
// be it missing or not known yet.
func TestProvider_NeedsOnlyTokensInUse(t *testing.T) {
	const late = `
		resource "terraform_data" "late" { input = "example-token-butikk" }
		provider "kustom" { `
	tests := []struct {
		name, hcl string
		without   string
	}{
		{"shop, no portal token", pasted(t), "KUSTOM_PORTAL_TOKEN"},
		{"shop, portal token unknown", pasted(t) + late + `portal_token = terraform_data.late.output }`, ""},
		// Without a shop to ask, the key can be let go of, and not be deleted.
		{"key, no shops' tokens", edit(t, keyOnly, `"M00123456"`, "\"M00123456\"\n  deletion_policy = \"retain\""), "MYSTORE_TOKENS"},
		{"key, shops' tokens unknown", keyOnly + late + `mystore_tokens = { butikk = terraform_data.late.output } }`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			delete(v.env, test.without)
			runInProcess(t, v, []resource.TestStep{{
				Config: test.hcl, ConfigVariables: secretVariable(exampleSecret),
				PostApplyFunc: func() { v.wantWorking(t, "nettbutikk") },
			}})
		})
	}
}

// TestProvider_SwitchesShopOfPlayground reads the environment from the provider's block: it has its own host and keys.
func TestProvider_SwitchesShopOfPlayground(t *testing.T) {
	seed := exampleSeed()
	seed.Environment = sandbox.Playground
	seed.Users = seed.Users[:1]
	seed.Stores = []sandbox.Store{{MerchantID: "PM00123456", Name: "Butikk", Website: "https://butikk.example"}}
	seed.Shops = seed.Shops[:1]
	seed.Shops[0].MerchantID = "PM00123456"
	v := newVendors(t, seed, sandbox.Options{})
	delete(v.env, "KUSTOM_ENVIRONMENT")
	runInProcess(t, v, []resource.TestStep{{
		Config: edit(t, edit(t, generated(t), "M00123456", "PM00123456"), example(t, keyExample+"terraform.tf"), "") +
			edit(t, example(t, "provider/provider.tf"), `"production"`, `"playground"`),
		ConfigPlanChecks: plans(
			knownInPlan(keyAddress, "host", "api.playground.kustom.co"), knownInPlan(keyAddress, "environment", "test"),
		),
		PostApplyFunc: func() { v.wantWorking(t, "butikk"); v.release(t, "butikk") },
	}})
}
