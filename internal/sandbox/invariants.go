package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// ViolationKind says which promise was broken.
type ViolationKind string

// The promises that are watched, at every call of an API. What is done through the methods that
// stand for a person is not.
const (
	// ViolationContract: a request that the contract does not describe.
	ViolationContract ViolationKind = "contract"
	// ViolationSandboxContract: an answer of the sandbox's own that the contract does not describe.
	ViolationSandboxContract ViolationKind = "sandbox contract"
	// ViolationUnknownKey: a pair was installed whose key does not exist.
	ViolationUnknownKey ViolationKind = "installed unknown key"
	// ViolationWrongSecret: a pair was installed whose secret is not the key's.
	ViolationWrongSecret ViolationKind = "installed wrong secret"
	// ViolationNotAccepted: a pair was installed that the merchant API does not accept, or not yet.
	ViolationNotAccepted ViolationKind = "installed key not accepted"
	// ViolationWrongStore: a key was installed in a shop of another store.
	ViolationWrongStore ViolationKind = "installed key of another store"
	// ViolationKeyInUse: a key was deleted while a shop still held its username.
	ViolationKeyInUse ViolationKind = "deleted key in use"
	// ViolationShopStopped: a shop that took payments takes none any more.
	ViolationShopStopped ViolationKind = "shop stopped"
	// ViolationShopCleared: the same, because the credentials were cleared on purpose.
	ViolationShopCleared ViolationKind = "shop cleared"
	// ViolationIdempotencyReuse: an Idempotency-Key was used for another request.
	ViolationIdempotencyReuse ViolationKind = "idempotency key reused"
	// ViolationSecretInURL: a URL had a secret in it.
	ViolationSecretInURL ViolationKind = "secret in URL"
	// ViolationLeftEnvironment: somebody pressed the button that leads to Kustom's other environment.
	ViolationLeftEnvironment ViolationKind = "left the environment"
	// ViolationMisdirectedToken: a token was sent to an API that it is not for.
	ViolationMisdirectedToken ViolationKind = "misdirected token"
)

// Violation is a promise that was broken, and when.
type Violation struct {
	Time   time.Time     `json:"time"`
	Kind   ViolationKind `json:"kind"`
	Detail string        `json:"detail"` // holds no secret
}

// String is the violation on one line.
func (v Violation) String() string { return fmt.Sprintf("%s: %s", v.Kind, v.Detail) }

// Violations are all so far, oldest first.
func (s *Sandbox) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Sandbox) violate(kind ViolationKind, format string, args ...any) {
	s.violations = append(s.violations, Violation{Time: s.now(), Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// watchInstall looks at a pair that is about to be installed.
func (s *Sandbox) watchInstall(sh *Shop, kustomID, kustomSecret string) {
	k := s.state.keyByUsername[kustomID]
	if k == nil {
		s.violate(ViolationUnknownKey, "shop %s: the Kustom ID is no key's username", sh.Name)
		return
	}
	if k.Secret != kustomSecret {
		s.violate(ViolationWrongSecret, "shop %s, key %s", sh.Name, k.Username)
		return
	}
	if !s.accepts(k) {
		s.violate(ViolationNotAccepted, "shop %s, key %s at %s", sh.Name, k.Username, k.Host)
	}
	if sh.MerchantID != "" && sh.MerchantID != k.MerchantID {
		s.violate(ViolationWrongStore, "shop %s of store %s, key %s", sh.Name, sh.MerchantID, k.Username)
	}
}

// watchDelete looks at a key that is about to be deleted.
func (s *Sandbox) watchDelete(k *key) {
	for _, sh := range s.holders(k) {
		s.violate(ViolationKeyInUse, "shop %s holds key %s", sh.Name, k.Username)
	}
}

func (s *Sandbox) holders(k *key) []*Shop {
	var holders []*Shop
	for _, sh := range s.state.shops {
		if sh.KustomID == k.Username {
			holders = append(holders, sh)
		}
	}
	return holders
}

// guard makes a change, and notes which of the shops that it can touch stopped taking payments.
func (s *Sandbox) guard(shops []*Shop, change func()) {
	before := slices.DeleteFunc(slices.Clone(shops), func(sh *Shop) bool {
		_, err := s.pays(sh)
		return err != nil
	})
	change()
	for _, sh := range before {
		_, err := s.pays(sh)
		if err == nil {
			continue
		}
		kind := ViolationShopStopped
		if sh.KustomID == "" {
			kind = ViolationShopCleared
		}
		s.violate(kind, "shop %s: %v", sh.Name, err)
	}
}

// watchSecrets looks for secrets where they don't belong.
func (s *Sandbox) watchSecrets(c *call) {
	if c.secretInURL() {
		s.violate(ViolationSecretInURL, "%s %s %s", c.record.API, c.record.Method, c.record.Template)
	}
	token := bearer(c.http.Header)
	if token == "" {
		return
	}
	_, isUser := s.state.userByToken[token]
	_, isShop := s.state.shopByToken[token]
	if (isUser && c.mount.api != Portal) || (isShop && c.mount.api != Mystore) {
		s.violate(ViolationMisdirectedToken, "%s %s %s", c.record.API, c.record.Method, c.record.Template)
	}
}
