package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The statuses of a key in the contract.
const (
	StatusPending = "PENDING"
	StatusActive  = "ACTIVE"
)

const (
	serviceCheckout        = "checkout"
	serviceOrderManagement = "order_management"
)

// hosts has the differences between Kustom's environments.
type hosts struct {
	kustom       string
	legacy       string
	environment  string
	secretPrefix string
	// legacyPrefix is the prefix of Klarna's newer secrets.
	legacyPrefix string
}

var (
	productionHosts = hosts{
		kustom: "api.kustom.co", legacy: "api.klarna.com",
		environment: "live", secretPrefix: "kco_live_api_", legacyPrefix: "klarna_live_api_",
	}
	playgroundHosts = hosts{
		kustom: "api.playground.kustom.co", legacy: "api.playground.klarna.com",
		environment: "test", secretPrefix: "kco_test_api_", legacyPrefix: "klarna_test_api_",
	}
)

func hostsOf(environment string) (hosts, error) {
	switch environment {
	case "", Production:
		return productionHosts, nil
	case Playground:
		return playgroundHosts, nil
	default:
		return hosts{}, fmt.Errorf("unknown environment %q", environment)
	}
}

func (h hosts) has(host string) bool { return host == h.kustom || host == h.legacy }

// state is the data of the vendors.
type state struct {
	environment string
	hosts       hosts
	users       []*User
	stores      []*store
	shops       []*Shop

	userByToken   map[string]*User
	storeByID     map[string]*store
	shopByName    map[string]*Shop
	shopByToken   map[string]*Shop
	keyByUsername map[string]*key
	keyBySecret   map[string]*key
	madeBy        map[string]made // by Idempotency-Key

	keys    []*key // by number
	secrets []string
	lastKey int
}

type store struct {
	Store // without its keys
	keys  []*key
}

type key struct {
	Key
	number int // the key's place in every list
	// exactCreatedAt is the exact time of creation. It is zero for a key of the seed, which has already propagated.
	exactCreatedAt time.Time
	reads          int  // GETs while PENDING
	secretDue      bool // the secret was not shown yet
	// popup is the session whose popup has yet to show the secret.
	popup *session
}

// made is the use of an Idempotency-Key.
type made struct {
	merchantID   string
	description  string
	credentialID string
}

func newState(seed Seed) (*state, error) {
	if err := seed.check(); err != nil {
		return nil, err
	}
	hosts, err := hostsOf(seed.Environment)
	if err != nil {
		return nil, err
	}
	st := &state{
		environment:   hosts.environmentName(),
		hosts:         hosts,
		userByToken:   make(map[string]*User),
		storeByID:     make(map[string]*store),
		shopByName:    make(map[string]*Shop),
		shopByToken:   make(map[string]*Shop),
		keyByUsername: make(map[string]*key),
		keyBySecret:   make(map[string]*key),
		madeBy:        make(map[string]made),
	}
	for _, u := range seed.Users {
		st.addUser(u)
	}
	for _, v := range seed.Stores {
		st.addStore(v)
	}
	for _, v := range seed.Shops {
		st.addShop(v)
	}
	return st, nil
}

func (h hosts) environmentName() string {
	if h == playgroundHosts {
		return Playground
	}
	return Production
}

func (st *state) addUser(u User) {
	u.Stores = slices.Clone(u.Stores)
	st.users = append(st.users, &u)
	st.userByToken[u.Token] = &u
	st.secrets = append(st.secrets, u.Token)
}

func (st *state) addStore(v Store) {
	s := &store{Store: v}
	s.Keys = nil
	s.Services = slices.Clone(v.Services)
	st.stores = append(st.stores, s)
	st.storeByID[v.MerchantID] = s
	for _, k := range v.Keys {
		k.Status = StatusActive
		st.addKey(s, &key{Key: k})
	}
}

func (st *state) addShop(v Shop) {
	v.Permissions = slices.Clone(v.Permissions)
	v.Extensions = slices.Clone(v.Extensions)
	v.Users = v.users()
	for _, u := range v.Users {
		st.secrets = append(st.secrets, u.Password)
		if u.CodeSeed != "" {
			st.secrets = append(st.secrets, u.CodeSeed)
		}
	}
	st.shops = append(st.shops, &v)
	st.shopByName[v.Name] = &v
	st.shopByToken[v.Token] = &v
	st.secrets = append(st.secrets, v.Token)
	st.recordSecret(v.KustomID, v.KustomSecret)
}

func (st *state) addKey(s *store, k *key) {
	st.lastKey++
	k.number = st.lastKey
	k.MerchantID = s.MerchantID
	s.keys = append(s.keys, k)
	st.keys = append(st.keys, k)
	st.keyByUsername[k.Username] = k
	st.keyBySecret[k.Secret] = k
	st.recordSecret(k.Username, k.Secret)
}

func (st *state) removeKey(k *key) {
	same := func(o *key) bool { return o == k }
	s := st.storeByID[k.MerchantID]
	s.keys = slices.DeleteFunc(s.keys, same)
	st.keys = slices.DeleteFunc(st.keys, same)
	delete(st.keyByUsername, k.Username)
	delete(st.keyBySecret, k.Secret)
}

// recordSecret records a secret for [Sandbox.Secrets], also as a Basic Authorization header encodes it.
func (st *state) recordSecret(username, secret string) {
	if secret == "" {
		return
	}
	st.secrets = append(st.secrets, secret, base64.StdEncoding.EncodeToString([]byte(username+":"+secret)))
}

func (s *store) key(credentialID string) *key {
	i := slices.IndexFunc(s.keys, func(k *key) bool { return k.CredentialID == credentialID })
	if i < 0 {
		return nil
	}
	return s.keys[i]
}

// newKey returns a key that is not in any store yet.
func (s *Sandbox) newKey(merchantID string, description *string, by string) *key {
	now := s.now()
	k := &key{
		Key: Key{
			Status:       StatusActive,
			CredentialID: uuid.NewString(),
			Username:     merchantID + "-" + randomText(5),
			Secret:       s.state.hosts.secretPrefix + randomText(40),
			Description:  description,
			Host:         s.state.hosts.kustom,
			CreatedAt:    now.Truncate(time.Second),
			CreatedBy:    by,
		},
		exactCreatedAt: now,
	}
	if s.options.KeyLifetime > 0 {
		at := k.CreatedAt.Add(s.options.KeyLifetime)
		k.ExpiresAt = &at
	}
	return k
}

func (s *Sandbox) full(st *store) bool { return len(st.keys) >= s.options.KeyLimit }

// makeKey generates a key, by API or page.
func (s *Sandbox) makeKey(st *store, description *string, by string) *key {
	k := s.newKey(st.MerchantID, description, by)
	if s.options.Pending > 0 {
		k.Status = StatusPending
	}
	s.state.addKey(st, k)
	return k
}

// revoke deletes a key, by API or page.
func (s *Sandbox) revoke(k *key) {
	s.watchDelete(k)
	s.watchPayments(s.holders(k), func() { s.state.removeKey(k) })
}

// update saves a shop's pair, by API or page. An empty pair clears it.
func (s *Sandbox) update(sh *Shop, kustomID, kustomSecret string) {
	if kustomID != "" {
		s.watchInstall(sh, kustomID, kustomSecret)
	}
	s.watchPayments([]*Shop{sh}, func() { s.install(sh, kustomID, kustomSecret) })
}

// accepts reports whether the merchant API accepts the key now.
func (s *Sandbox) accepts(k *key) bool {
	return k.Status == StatusActive && s.hostOf(k) == s.state.hosts.kustom && s.hasPropagated(k) && !s.expired(k)
}

func (s *Sandbox) expired(k *key) bool { return k.ExpiresAt != nil && !s.now().Before(*k.ExpiresAt) }

// hasPropagated reports whether the key has propagated through its API.
func (s *Sandbox) hasPropagated(k *key) bool {
	return k.exactCreatedAt.IsZero() || s.now().Sub(k.exactCreatedAt) >= s.options.PropagationDelay
}

func (sh *Shop) extension(id string) *Extension {
	i := slices.IndexFunc(sh.Extensions, func(e Extension) bool { return e.ID == id })
	if i < 0 {
		return nil
	}
	return &sh.Extensions[i]
}

// install writes the pair. The time changes with every write, even within one second.
func (s *Sandbox) install(sh *Shop, kustomID, kustomSecret string) {
	at := s.now().Truncate(time.Second)
	if sh.UpdatedAt != nil && !at.After(*sh.UpdatedAt) {
		at = sh.UpdatedAt.Add(time.Nanosecond)
	}
	sh.KustomID, sh.KustomSecret, sh.UpdatedAt = kustomID, kustomSecret, &at
	s.state.recordSecret(kustomID, kustomSecret)
}

// paymentKey returns the key with which the shop takes payments, or why it takes none.
func (s *Sandbox) paymentKey(sh *Shop) (*key, error) {
	e := sh.extension(KlarnaCheckoutV3)
	if e == nil {
		return nil, errors.New("the extension Klarna Checkout V3 is not installed")
	}
	if !e.Active {
		return nil, errors.New("the extension Klarna Checkout V3 is not active")
	}
	if sh.KustomID == "" {
		return nil, errors.New("no credentials are installed")
	}
	k := s.state.keyByUsername[sh.KustomID]
	if k == nil {
		return nil, fmt.Errorf("there is no key %s", sh.KustomID)
	}
	return k, s.paymentProblem(sh, k)
}

// paymentProblem returns why the shop can't take payments with the key of its username, or nil.
func (s *Sandbox) paymentProblem(sh *Shop, k *key) error {
	if k.Secret != sh.KustomSecret {
		return fmt.Errorf("the secret is not that of key %s", k.Username)
	}
	if sh.MerchantID != "" && sh.MerchantID != k.MerchantID {
		return fmt.Errorf("key %s belongs to store %s, and the shop to %s", k.Username, k.MerchantID, sh.MerchantID)
	}
	if k.Status != StatusActive {
		return fmt.Errorf("key %s is %s", k.Username, k.Status)
	}
	if s.expired(k) {
		return fmt.Errorf("key %s has expired", k.Username)
	}
	if !s.hasPropagated(k) {
		return fmt.Errorf("key %s is too new to work everywhere", k.Username)
	}
	return nil
}

// GenerateKey makes a key as a person in the portal does, and returns it with its secret. An empty description is
// none.
func (s *Sandbox) GenerateKey(merchantID, description string) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.storeByID[merchantID]
	if st == nil {
		return Key{}, fmt.Errorf("there is no store %s", merchantID)
	}
	if s.full(st) {
		return Key{}, fmt.Errorf("store %s has %d keys already", merchantID, len(st.keys))
	}
	k := s.newKey(merchantID, nil, "person@portal.example")
	if description != "" {
		k.Description = &description
	}
	s.state.addKey(st, k)
	return k.Key, nil
}

// DeleteKey deletes a key as a person in the portal does.
func (s *Sandbox) DeleteKey(merchantID, credentialID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.storeByID[merchantID]
	if st == nil {
		return fmt.Errorf("there is no store %s", merchantID)
	}
	k := st.key(credentialID)
	if k == nil {
		return fmt.Errorf("store %s has no key %s", merchantID, credentialID)
	}
	s.state.removeKey(k)
	return nil
}

// Install saves a pair, right or wrong, as a person in Mystore does. An empty pair clears it.
func (s *Sandbox) Install(shop, kustomID, kustomSecret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return err
	}
	if (kustomID == "") != (kustomSecret == "") {
		return errors.New("a Kustom ID and a Kustom Secret come together")
	}
	s.install(sh, kustomID, kustomSecret)
	return nil
}

// InstallExtension installs an extension in a shop, or replaces its version.
func (s *Sandbox) InstallExtension(shop string, e Extension) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return err
	}
	if old := sh.extension(e.ID); old != nil {
		*old = e
		return nil
	}
	sh.Extensions = append(sh.Extensions, e)
	return nil
}

// UninstallExtension removes an extension from a shop. Klarna Checkout V3 loses its credentials.
func (s *Sandbox) UninstallExtension(shop, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return err
	}
	if sh.extension(id) == nil {
		return fmt.Errorf("shop %s has no extension %s", shop, id)
	}
	sh.Extensions = slices.DeleteFunc(sh.Extensions, func(e Extension) bool { return e.ID == id })
	if id == KlarnaCheckoutV3 {
		sh.KustomID, sh.KustomSecret, sh.UpdatedAt = "", "", nil
	}
	return nil
}

// Keys returns the store's keys with their secrets, oldest first.
func (s *Sandbox) Keys(merchantID string) []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.storeByID[merchantID]
	if st == nil {
		return nil
	}
	keys := make([]Key, len(st.keys))
	for i, k := range st.keys {
		keys[i] = k.Key
	}
	return keys
}

// Secrets returns all secrets and tokens that ever existed, also those of deleted keys and those that were only sent,
// and each pair as a Basic Authorization header encodes it.
func (s *Sandbox) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets := slices.Clone(s.state.secrets)
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

// Shop returns the shop with that name.
func (s *Sandbox) Shop(name string) (Shop, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.state.shopByName[name]
	if sh == nil {
		return Shop{}, false
	}
	shop := *sh
	shop.Extensions = slices.Clone(sh.Extensions)
	return shop, true
}

// Working returns nil if the shop would take payments now with its installed pair, or else why not.
func (s *Sandbox) Working(shop string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.shop(shop)
	if err != nil {
		return err
	}
	_, err = s.paymentKey(sh)
	return err
}

func (s *Sandbox) shop(name string) (*Shop, error) {
	sh := s.state.shopByName[name]
	if sh == nil {
		return nil, fmt.Errorf("there is no shop %s", name)
	}
	return sh, nil
}
