package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestThreeShops_IsValidSeed(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	unused := 0
	for _, mid := range []string{fjellsport, kaffebonna, "M00698335"} {
		for _, k := range env.s.Keys(mid) {
			if k.Host != "api.klarna.com" {
				t.Errorf("key %s is at %s", k.Username, k.Host)
			}
			if k.LastUsedAt == nil {
				unused++
			}
		}
		status, err := env.s.EndpointStatus(mid)
		if err != nil || !status.ActionRequired || len(status.Services) != 2 {
			t.Errorf("the endpoint status of %s is %+v, %v", mid, status, err)
		}
	}
	if unused != 1 {
		t.Errorf("%d keys are unused, want 1", unused)
	}
	for _, name := range []string{"fjellsport", "kaffebonna", "ullogtre"} {
		if err := env.s.Working(name); err != nil {
			t.Errorf("shop %s does not work: %v", name, err)
		}
	}
}

func TestFleetSeed_IsRepeatable(t *testing.T) {
	seed := FleetSeed(2000)
	if !reflect.DeepEqual(seed, FleetSeed(2000)) {
		t.Error("two calls return different seeds")
	}
	s := newTestEnv(t, seed, Options{}).s
	for _, shop := range seed.Shops {
		if err := s.Working(shop.Name); err != nil {
			t.Fatalf("shop %s does not work: %v", shop.Name, err)
		}
	}
}

func TestParseSeed_ReadsJSON(t *testing.T) {
	const text = `{
  "environment": "playground",
  "users": [{"token": "fake-token", "email": "a@env.example", "stores": []}],
  "stores": [{"merchant_id": "PM00000001", "name": "A", "website": "https://a.example", "keys": [
    {"credential_id": "1", "username": "PM00000001-a", "secret": "kco_test_api_a", "description": "x",
     "host": "api.playground.klarna.com", "created_at": "2021-01-02T03:04:05Z", "created_by": "a"}
  ]}],
  "shops": [{"name": "a", "token": "fake-shop-token", "kustom_id": "PM00000001-a", "kustom_secret": "kco_test_api_a"}]
}`
	if !json.Valid([]byte(text)) {
		t.Fatal("the test's text is not JSON")
	}
	path := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	seed, err := LoadSeed(path)
	if err != nil {
		t.Fatal(err)
	}
	if seed.Users[0].Stores == nil || seed.Stores[0].Keys[0].CreatedAt.Year() != 2021 || *seed.Stores[0].Keys[0].Description != "x" {
		t.Errorf("the seed is %+v", seed)
	}
	if _, err := New(seed, Options{}); err != nil {
		t.Error(err)
	}
}

func TestParseSeed_RefusesInvalid(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"unknown field": "userz: []",
		"not YAML":      "users: [",
	} {
		if _, err := ParseSeed([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := LoadSeed(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a file that does not exist: no error")
	}
}

func TestNew_RefusesInvalidSeed(t *testing.T) {
	tests := map[string]struct {
		change  func(s *Seed)
		options Options
		want    string
	}{
		"environment":         {change: func(s *Seed) { s.Environment = "staging" }, want: "environment"},
		"role":                {change: func(s *Seed) { s.Users[0].Role = "owner" }, want: "role"},
		"user's store":        {change: func(s *Seed) { s.Users[0].Stores = []string{"M1"} }, want: "store"},
		"user's token":        {change: func(s *Seed) { s.Users[0].Token = "" }, want: "no token"},
		"same token":          {change: func(s *Seed) { s.Users[0].Token = s.Users[1].Token }, want: "token is not its own"},
		"merchant ID":         {change: func(s *Seed) { s.Stores[0].MerchantID = "PM00000001" }, want: "with a P in front in the playground"},
		"form of merchant ID": {change: func(s *Seed) { s.Stores[0].MerchantID = "X00000001" }, want: "a merchant ID is M, K or N"},
		"same merchant ID":    {change: func(s *Seed) { s.Stores[0] = Store{MerchantID: kaffebonna} }, want: "merchant ID is not its own"},
		"username":            {change: func(s *Seed) { s.Stores[0].Keys[0].Username = "x" }, want: "username"},
		"same username":       {change: func(s *Seed) { s.Stores[1].Keys[0].Username = s.Stores[1].Keys[1].Username }, want: "username is not its own"},
		"secret":              {change: func(s *Seed) { s.Stores[0].Keys[0].Secret = "kco_test_api_x" }, want: "kco_live_api_"},
		"key's host":          {change: func(s *Seed) { s.Stores[0].Keys[0].Host = "example.com" }, want: "host"},
		"service's host":      {change: func(s *Seed) { s.Stores[0].Services[0].Host = "example.com" }, want: "host"},
		"shop's name":         {change: func(s *Seed) { s.Shops[0].Name = "a/b" }, want: "name"},
		"shop's store":        {change: func(s *Seed) { s.Shops[0].MerchantID = "M1" }, want: "store"},
		"half a pair":         {change: func(s *Seed) { s.Shops[0].KustomSecret = "" }, want: "together"},
		"negative delay":      {options: Options{PropagationDelay: -1}, want: "negative"},
		"negative pending":    {options: Options{Pending: -1}, want: "negative"},
		"negative key limit":  {options: Options{KeyLimit: -1}, want: "negative"},
		"negative lifetime":   {options: Options{KeyLifetime: -1}, want: "negative"},
		"negative latency":    {options: Options{Latency: -1}, want: "negative"},
		"negative page delay": {options: Options{Pages: PagesOptions{Delay: -1}}, want: "negative"},
		"unknown mutation":    {options: Options{Pages: PagesOptions{Mutations: []string{"no-such"}}}, want: `"no-such"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			seed := ThreeShops()
			if test.change != nil {
				test.change(&seed)
			}
			_, err := New(seed, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "FAKE") || strings.Contains(err.Error(), "fake-") {
				t.Errorf("the error quotes a secret: %v", err)
			}
		})
	}
}

// A seed may have stores that moved from Klarna and developers' stores, with their forms of keys.
func TestNew_AcceptsMigratedStores(t *testing.T) {
	const uuid = "6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f"
	store := func(id string, keys ...Key) Store { return Store{MerchantID: id, Keys: keys} }
	key := func(username, secret, host string) Key {
		return Key{CredentialID: username + "-id", Username: username, Secret: secret, Host: host}
	}
	tests := map[string]struct {
		environment string
		store       Store
		refused     bool
	}{
		"K":                           {Production, store("K123456", key("K123456_abcd12345", "klarna_live_api_FAKEa+/=", "api.klarna.com")), false},
		"UUID":                        {Production, store("N123456", key(uuid, "klarna_live_api_FAKEb", "api.klarna.com")), false},
		"new key of K":                {Production, store("K123456", key("K123456-aB3dE", "kco_live_api_FAKEc", "api.kustom.co")), false},
		"no host":                     {Production, store("K123456", key("K123456-aB3dE", "kco_live_api_FAKEc", "")), false},
		"PK":                          {Playground, store("PK123456", key("PK123456_ab", "klarna_test_api_FAKEd", "api.playground.klarna.com")), false},
		"DM in production":            {Production, store("DM11917000"), false},
		"DM in the playground":        {Playground, store("DM11917000"), false},
		"K in the playground":         {Playground, store("K123456"), true},
		"Klarna's name at Kustom's":   {Production, store("K123456", key("K123456_ab", "kco_live_api_FAKEe", "api.kustom.co")), true},
		"Klarna's secret at Kustom's": {Production, store("K123456", key("K123456-ab", "klarna_live_api_FAKEf", "api.kustom.co")), true},
	}
	for name, test := range tests {
		s, err := New(Seed{Environment: test.environment, Stores: []Store{test.store}}, Options{})
		if (err != nil) != test.refused {
			t.Errorf("%s: the error is %v", name, err)
		}
		if err != nil {
			continue
		}
		made, err := s.GenerateKey(test.store.MerchantID, "")
		if err != nil || !strings.HasPrefix(made.Username, test.store.MerchantID+"-") {
			t.Errorf("%s: generated %s, %v", name, made.Username, err)
		}
	}
}

func TestNew_LeavesSeedUnchanged(t *testing.T) {
	seed := ThreeShops()
	s := newTestEnv(t, seed, Options{}).s
	if err := s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if err := s.InstallExtension("fjellsport", Extension{ID: KlarnaCheckoutV3}); err != nil {
		t.Fatal(err)
	}
	if err := s.UninstallExtension("kaffebonna", KlarnaCheckoutV3); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(seed, ThreeShops()) {
		t.Error("the seed has changed")
	}
}
