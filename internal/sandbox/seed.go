package sandbox

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
)

//go:embed seeds/three-shops.yaml
var threeShops []byte

// Kustom's environments.
const (
	Production = "production"
	Playground = "playground"
)

// The roles of a portal user.
const (
	RoleAdmin = "admin"
	RoleStaff = "staff"
)

// KlarnaCheckoutV3 is the ID of the only extension that can use Kustom.
const KlarnaCheckoutV3 = "klarna-checkout-v3"

// The permissions of a Mystore token.
const (
	PermissionReadExtensions  = "extensions:read"
	PermissionWriteExtensions = "extensions:write"
)

// Seed is the initial data of a sandbox.
type Seed struct {
	// Environment is [Production] or [Playground]. Empty means production.
	Environment string  `yaml:"environment,omitempty"`
	Users       []User  `yaml:"users"`
	Stores      []Store `yaml:"stores"`
	Shops       []Shop  `yaml:"shops"`
}

// User is a user of the portal.
type User struct {
	Token string `yaml:"token"`
	Email string `yaml:"email"`
	// Role is [RoleAdmin] or [RoleStaff], which cannot see Integrations. Empty means admin.
	Role string `yaml:"role,omitempty"`
	// Stores has the merchant IDs that the user can see; nil means all.
	Stores  []string `yaml:"stores,omitempty"`
	Expired bool     `yaml:"expired,omitempty"`
}

// Store is a store of Kustom's.
type Store struct {
	MerchantID string `yaml:"merchant_id"`
	Name       string `yaml:"name"`
	Website    string `yaml:"website"`
	Keys       []Key  `yaml:"keys,omitempty"`
	// Countries has the countries that the store sells in, in capital letters; nil means all.
	Countries []string  `yaml:"countries,omitempty"`
	Services  []Service `yaml:"services,omitempty"`
}

// Key is an API key of a store.
type Key struct {
	// The sandbox sets MerchantID and Status.
	MerchantID string `yaml:"-"`
	Status     string `yaml:"-"`

	CredentialID string `yaml:"credential_id"`
	Username     string `yaml:"username"`
	Secret       string `yaml:"secret"`
	// Description is shown beside the key; nil is null.
	Description *string `yaml:"description,omitempty"`
	// Host is the key's API host; empty means Kustom's.
	Host       string     `yaml:"host,omitempty"`
	CreatedAt  time.Time  `yaml:"created_at"`
	CreatedBy  string     `yaml:"created_by"`
	LastUsedAt *time.Time `yaml:"last_used_at,omitempty"`
	// ExpiresAt is when the key expires; nil means never.
	ExpiresAt *time.Time `yaml:"expires_at,omitempty"`
}

// Service is one kind of traffic of a store, with the last called host.
type Service struct {
	Service    string     `yaml:"service"`
	Host       string     `yaml:"host"`
	LastUsedAt *time.Time `yaml:"last_used_at,omitempty"`
}

// Shop is a shop at Mystore.
type Shop struct {
	Name  string `yaml:"name"`
	Token string `yaml:"token"`
	// Permissions has the permissions of the token; nil means all.
	Permissions []string    `yaml:"permissions,omitempty"`
	Extensions  []Extension `yaml:"extensions,omitempty"`
	// KustomID and KustomSecret are the installed pair; empty for none.
	KustomID     string     `yaml:"kustom_id,omitempty"`
	KustomSecret string     `yaml:"kustom_secret,omitempty"`
	UpdatedAt    *time.Time `yaml:"updated_at,omitempty"`
	// MerchantID is the store that gets the shop's payments. If it is empty, a key of any store works.
	MerchantID string `yaml:"merchant_id,omitempty"`
	// Users has the users of the shop's pages. Without any, there is owner@<name>.example with the password
	// fake-mystore-password-<name>.
	Users []ShopUser `yaml:"users,omitempty"`
}

// ShopUser is a user of a shop's pages at Mystore.
type ShopUser struct {
	Email    string `yaml:"email"`
	Password string `yaml:"password"`
	// CodeSeed is the seed of the user's one-time codes (RFC 6238), in base32; empty if the user needs none.
	CodeSeed string `yaml:"code_seed,omitempty"`
}

// users returns the users of the seed, or the default one.
func (sh Shop) users() []ShopUser {
	if len(sh.Users) > 0 {
		return slices.Clone(sh.Users)
	}
	return []ShopUser{{Email: "owner@" + sh.Name + ".example", Password: "fake-mystore-password-" + sh.Name}}
}

// Extension is an installed extension of a shop.
type Extension struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Active  bool   `yaml:"active"`
}

// ParseSeed reads a seed from YAML or JSON. It rejects unknown fields.
func ParseSeed(data []byte) (Seed, error) {
	var seed Seed
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&seed)
	if errors.Is(err, io.EOF) {
		return Seed{}, errors.New("the seed is empty")
	}
	if err != nil {
		return Seed{}, fmt.Errorf("parse a seed: %w", err)
	}
	return seed, nil
}

// LoadSeed reads a seed from a file.
func LoadSeed(path string) (Seed, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Seed{}, fmt.Errorf("read a seed: %w", err)
	}
	seed, err := ParseSeed(data)
	if err != nil {
		return Seed{}, fmt.Errorf("%s: %w", path, err)
	}
	return seed, nil
}

// ThreeShops returns the default seed: three shops of one agency, each with a legacy key. One has a second, unused
// legacy key.
func ThreeShops() Seed {
	seed, err := ParseSeed(threeShops)
	if err != nil {
		panic(err)
	}
	return seed
}

// FleetSeed returns a seed with n stores and n shops, each with a legacy key. It is the same for the same n.
func FleetSeed(n int) Seed {
	created := time.Date(2021, time.March, 15, 8, 0, 0, 0, time.UTC)
	used := time.Date(2026, time.January, 20, 12, 0, 0, 0, time.UTC)
	seed := Seed{
		Environment: Production,
		Users:       []User{{Token: "fake-portal-token-fleet", Email: "ops@agency.example", Role: RoleAdmin}},
	}
	for i := 1; i <= n; i++ {
		mid := fmt.Sprintf("M00%06d", 500000+i)
		name := fmt.Sprintf("shop-%05d", i)
		key := Key{
			CredentialID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			Username:     fmt.Sprintf("%s-f%04x", mid, i),
			Secret:       fmt.Sprintf("kco_live_api_fake%036d", i),
			Host:         productionHosts.legacy,
			CreatedAt:    created,
			CreatedBy:    "ops@agency.example",
			LastUsedAt:   &used,
		}
		seed.Stores = append(seed.Stores, Store{
			MerchantID: mid,
			Name:       fmt.Sprintf("Shop %d", i),
			Website:    "https://" + name + ".example",
			Keys:       []Key{key},
			Services: []Service{
				{Service: serviceCheckout, Host: productionHosts.legacy, LastUsedAt: &used},
				{Service: serviceOrderManagement, Host: productionHosts.legacy, LastUsedAt: &used},
			},
		})
		seed.Shops = append(seed.Shops, Shop{
			Name:         name,
			Token:        fmt.Sprintf("fake-mystore-token-%05d", i),
			Extensions:   []Extension{{ID: KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.4.1", Active: true}},
			KustomID:     key.Username,
			KustomSecret: key.Secret,
			UpdatedAt:    &created,
			MerchantID:   mid,
		})
	}
	return seed
}

// WithLookalikes returns the seed with a second, unused key beside each key. Its username begins with that of the
// first.
func (seed Seed) WithLookalikes() Seed {
	seed.Stores = slices.Clone(seed.Stores)
	for i, st := range seed.Stores {
		for _, k := range st.Keys {
			k.CredentialID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(k.CredentialID)).String()
			k.Username += "2"
			k.Secret += "2"
			k.LastUsedAt = nil
			st.Keys = append(slices.Clone(st.Keys), k)
		}
		seed.Stores[i] = st
	}
	return seed
}

// check returns an error if no vendor could have this data.
func (seed Seed) check() error {
	unique := uniqueness{}
	hosts, err := hostsOf(seed.Environment)
	if err != nil {
		return err
	}
	for _, u := range seed.Users {
		if err := u.check(seed, unique); err != nil {
			return fmt.Errorf("user %q: %w", u.Email, err)
		}
	}
	for _, st := range seed.Stores {
		if err := st.check(hosts, unique); err != nil {
			return fmt.Errorf("store %q: %w", st.MerchantID, err)
		}
	}
	for _, sh := range seed.Shops {
		if err := sh.check(seed, unique); err != nil {
			return fmt.Errorf("shop %q: %w", sh.Name, err)
		}
	}
	return nil
}

// uniqueness has the values so far, by kind.
type uniqueness map[string]bool

// add returns an error for a repeated value. The error does not quote the value, which may be a secret.
func (u uniqueness) add(what, value string) error {
	if value == "" {
		return fmt.Errorf("no %s", what)
	}
	if u[what+"\x00"+value] {
		return fmt.Errorf("its %s is not its own", what)
	}
	u[what+"\x00"+value] = true
	return nil
}

func (u User) check(seed Seed, unique uniqueness) error {
	if !slices.Contains([]string{"", RoleAdmin, RoleStaff}, u.Role) {
		return fmt.Errorf("unknown role %q", u.Role)
	}
	for _, mid := range u.Stores {
		if !seed.hasStore(mid) {
			return fmt.Errorf("unknown store %q", mid)
		}
	}
	return unique.add("token", u.Token)
}

func (st Store) check(hosts hosts, unique uniqueness) error {
	if !hosts.fits(st.MerchantID) {
		return errors.New("a merchant ID is M, K or N and digits, with a P in front in the playground, or DM and digits")
	}
	if err := unique.add("merchant ID", st.MerchantID); err != nil {
		return err
	}
	for _, k := range st.Keys {
		if err := k.check(st.MerchantID, hosts, unique); err != nil {
			return fmt.Errorf("key %q: %w", k.Username, err)
		}
	}
	for _, v := range st.Services {
		if !hosts.has(v.Host) {
			return fmt.Errorf("service %q: unknown host %q", v.Service, v.Host)
		}
	}
	return nil
}

func (k Key) check(mid string, hosts hosts, unique uniqueness) error {
	legacy := k.Host == hosts.legacy
	if !strings.HasPrefix(k.Username, mid+"-") && (!legacy || !klarnaUsername(mid, k.Username)) {
		return errors.New("a username is the merchant ID, a hyphen and some characters; of a key of Klarna's, also the merchant ID, " +
			"an underscore and some characters, or a UUID")
	}
	if !strings.HasPrefix(k.Secret, hosts.secretPrefix) && (!legacy || !strings.HasPrefix(k.Secret, hosts.legacyPrefix)) {
		return fmt.Errorf("a secret here starts with %s; of a key of Klarna's, also with %s", hosts.secretPrefix, hosts.legacyPrefix)
	}
	if k.Host != "" && !hosts.has(k.Host) {
		return fmt.Errorf("unknown host %q", k.Host)
	}
	return errors.Join(
		unique.add("credential ID", k.CredentialID),
		unique.add("username", k.Username),
		unique.add("secret", k.Secret),
	)
}

// merchantID matches merchant IDs: M for stores created at Kustom, K and N for those from Klarna, DM for developers'
// stores.
var merchantID = regexp.MustCompile(`^(P?)[MKN][0-9][0-9A-Za-z]*$|^DM[0-9]+$`)

// fits reports whether a merchant ID may belong to the environment.
func (h hosts) fits(id string) bool {
	playground := strings.HasPrefix(id, "P")
	return merchantID.MatchString(id) && (strings.HasPrefix(id, "DM") || playground == (h == playgroundHosts))
}

// klarnaUsername reports whether a username has the form of Klarna's for the store.
func klarnaUsername(mid, username string) bool {
	return strings.HasPrefix(username, mid+"_") || uuid.Validate(username) == nil
}

var shopName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (sh Shop) check(seed Seed, unique uniqueness) error {
	if !shopName.MatchString(sh.Name) {
		return errors.New("a shop's name is small letters, digits and hyphens")
	}
	if (sh.KustomID == "") != (sh.KustomSecret == "") {
		return errors.New("a Kustom ID and a Kustom Secret come together")
	}
	if sh.MerchantID != "" && !seed.hasStore(sh.MerchantID) {
		return fmt.Errorf("unknown store %q", sh.MerchantID)
	}
	for _, u := range sh.Users {
		if err := u.check(); err != nil {
			return fmt.Errorf("user %q: %w", u.Email, err)
		}
	}
	return errors.Join(unique.add("name", sh.Name), unique.add("token", sh.Token))
}

// check returns an error for an invalid user. The error does not quote the seed of the codes.
func (u ShopUser) check() error {
	if u.Email == "" || u.Password == "" {
		return errors.New("an e-mail address and a password are needed")
	}
	if _, err := codeKey(u.CodeSeed); err != nil {
		return errors.New("the seed of the one-time codes is not base32")
	}
	return nil
}

func (seed Seed) hasStore(mid string) bool {
	return slices.ContainsFunc(seed.Stores, func(st Store) bool { return st.MerchantID == mid })
}
