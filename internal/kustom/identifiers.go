package kustom

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// This file is the only place that knows the forms of merchant IDs, usernames and secrets. Kustom
// documents the forms of its own (docs.kustom.co, Authentication). Those of merchants who came from
// Klarna are what Klarna's documentation and public integrations show; their lengths vary, so none is
// demanded.

// MerchantID is a store's merchant ID (MID) of a known form.
type MerchantID string

// errNotMerchantID says what a merchant ID looks like.
var errNotMerchantID = errors.New("a merchant ID is M, K or N and digits, such as M00123456 or K123456, " +
	"with a P in front in the playground, or DM and digits")

// merchantIDPrefixes are the letters that a merchant ID begins with: M for stores that were made at
// Kustom, K and N for those that came from Klarna, each with a P in front in the playground, and DM
// for those of developers.
var merchantIDPrefixes = [...]string{"M", "PM", "DM", "K", "PK", "N", "PN"}

// ParseMerchantID returns the merchant ID that text is: one of the known prefixes, a digit, and
// further digits or letters.
func ParseMerchantID(text string) (MerchantID, error) {
	for _, prefix := range merchantIDPrefixes {
		rest, ok := strings.CutPrefix(text, prefix)
		if ok && rest != "" && isDigit(rest[0]) && !strings.ContainsFunc(rest, isNotAlphanumeric) {
			return MerchantID(text), nil
		}
	}
	return "", errNotMerchantID
}

// Accepts tells whether the store may belong to the environment. A developer's store (DM) may belong to
// either.
func (id MerchantID) Accepts(e Environment) bool {
	own, ok := id.Environment()
	return !ok || own == e
}

// Environment returns the environment that the store belongs to. It is not ok for a developer's store
// (DM), which may belong to either.
func (id MerchantID) Environment() (e Environment, ok bool) {
	switch {
	case strings.HasPrefix(string(id), "DM"):
		return "", false
	case strings.HasPrefix(string(id), "P"):
		return Playground, true
	}
	return Production, true
}

// Migrated tells whether the store came to Kustom from Klarna. Merchant IDs of such stores never begin
// with M (documented by Kustom, help.kustom.co article 409274).
func (id MerchantID) Migrated() bool {
	letter := strings.TrimLeft(string(id), "PD")
	return strings.HasPrefix(letter, "K") || strings.HasPrefix(letter, "N")
}

// FindMerchantID returns the last merchant ID that stands in text by itself; empty where there is none.
// It is the last one that counts where a store is shown as "<name> – <merchant ID>": its name may look
// like a merchant ID too.
func FindMerchantID(text string) MerchantID {
	words := strings.FieldsFunc(text, isNotAlphanumeric)
	for i := len(words) - 1; i >= 0; i-- {
		if id, err := ParseMerchantID(words[i]); err == nil {
			return id
		}
	}
	return ""
}

// IsDescription tells whether the portal takes text as the description of a key: 1 to 100 letters,
// digits, spaces and -:;.,_.
func IsDescription(text string) bool {
	const longest = 100
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
		return isNotAlphanumeric(r) && !strings.ContainsRune("-:;., _", r)
	})
}

// UsernameForm tells whose form a username has.
type UsernameForm string

// The forms of usernames.
const (
	// UsernameKustom is <merchant ID>-<a few letters and digits>. Documented by Kustom.
	UsernameKustom UsernameForm = "Kustom's"
	// UsernameKlarna is <merchant ID>_<hexadecimal digits>, or a UUID. Observed.
	UsernameKlarna UsernameForm = "Klarna's"
	// UsernameOther is a form that is not known.
	UsernameOther UsernameForm = "unknown"
)

// FormOf returns whose form a username has. It is [UsernameOther] for what is no username.
func FormOf(username string) UsernameForm {
	if isUUID(username) {
		return UsernameKlarna
	}
	_, separator, ok := splitUsername(username)
	switch {
	case !ok:
		return UsernameOther
	case separator == '_':
		return UsernameKlarna
	}
	return UsernameKustom
}

// StoreOf returns the merchant ID that a username begins with. It is not ok for a username that has
// none, such as a UUID.
func StoreOf(username string) (merchantID string, ok bool) {
	if isUUID(username) {
		return "", false
	}
	id, _, ok := splitUsername(username)
	return string(id), ok
}

// splitUsername cuts a username at the character after its merchant ID.
func splitUsername(username string) (id MerchantID, separator byte, ok bool) {
	at := strings.IndexAny(username, "-_")
	if at < 0 {
		return "", 0, false
	}
	id, err := ParseMerchantID(username[:at])
	rest := username[at+1:]
	if err != nil || rest == "" || strings.ContainsAny(rest[:1], "-_") || strings.ContainsFunc(rest, isSpaceOrControl) {
		return "", 0, false
	}
	return id, username[at], true
}

// SecretKind tells whose key a secret belongs to.
type SecretKind string

// The kinds of secrets.
const (
	// SecretKustom is kco_live_api_… or kco_test_api_…. Documented by Kustom.
	SecretKustom SecretKind = "Kustom's"
	// SecretKlarna is klarna_live_api_… or klarna_test_api_…. Observed.
	SecretKlarna SecretKind = "Klarna's"
	// SecretOther is any other text. Klarna's older secrets are among these: short, and without a form
	// to know them by.
	SecretOther SecretKind = "unknown"
)

// SecretForm is [vendortext.SecretForm], which finds secrets of a known form in longer texts.
const SecretForm = vendortext.SecretForm

// secretPattern is compiled when it is first used: most runs of the provider have no use for it.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(SecretForm) })

// KindOf returns whose key a secret belongs to, by its form.
func KindOf(secret string) SecretKind {
	kind, _ := parseSecret(secret)
	return kind
}

// SecretEnvironment returns the environment that a secret says it belongs to. It is not ok where the
// secret's form says none.
func SecretEnvironment(secret string) (e Environment, ok bool) {
	_, e = parseSecret(secret)
	return e, e != ""
}

func parseSecret(secret string) (SecretKind, Environment) {
	for _, e := range Environments() {
		for _, kind := range []SecretKind{SecretKustom, SecretKlarna} {
			rest, ok := strings.CutPrefix(secret, e.SecretPrefix(kind))
			if ok && rest != "" && !strings.ContainsFunc(rest, isSpaceOrControl) {
				return kind, e
			}
		}
	}
	return SecretOther, ""
}

// SecretPrefix returns what secrets of that kind begin with in this environment; empty for
// [SecretOther].
func (e Environment) SecretPrefix(kind SecretKind) string {
	switch kind {
	case SecretKustom:
		return "kco_" + e.KeyEnvironment() + "_api_"
	case SecretKlarna:
		return "klarna_" + e.KeyEnvironment() + "_api_"
	case SecretOther:
	}
	return ""
}

// FindSecret returns the first secret of a known form in text; empty where there is none.
func FindSecret(text string) string { return secretPattern().FindString(text) }

// MayHoldSecret tells whether text may hold a secret, or a part of one. It is for texts that should be
// something else, before they are shown: it would rather be wrong than miss one.
func MayHoldSecret(text string) bool {
	text = strings.ToLower(text)
	for _, mark := range []string{"kco_", "klarna_live_", "klarna_test_"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// isUUID tells whether text has the form of a UUID with hyphens.
func isUUID(text string) bool {
	if len(text) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i := range len(text) {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !isHexDigit(text[i]) {
				return false
			}
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isNotAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f || r == 0x85 || r == 0xa0 }
