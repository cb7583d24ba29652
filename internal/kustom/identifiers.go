package kustom

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// This file is the only place that knows the forms of merchant IDs, usernames and secrets. Kustom documents its
// own forms (docs.kustom.co, Authentication). The forms of merchants who came from Klarna come from Klarna's
// documentation and from public integrations. Their lengths vary, so no length is required.

// MerchantID is a store's merchant ID (MID) of a known form.
type MerchantID string

// errNotMerchantID describes the form of a merchant ID.
var errNotMerchantID = errors.New("a merchant ID is M, K or N and digits, such as M00123456 or K123456, " +
	"with a P in front in the playground, or DM and digits")

// merchantIDPrefixes are the prefixes of merchant IDs. M marks stores that were created at Kustom; K and N mark
// those that came from Klarna. The playground puts a P in front. DM marks developers' stores.
var merchantIDPrefixes = [...]string{"M", "PM", "DM", "K", "PK", "N", "PN"}

// ParseMerchantID parses a merchant ID: one of the known prefixes, a digit, and further digits or letters.
func ParseMerchantID(text string) (MerchantID, error) {
	for _, prefix := range merchantIDPrefixes {
		rest, ok := strings.CutPrefix(text, prefix)
		if ok && rest != "" && isDigit(rest[0]) && !strings.ContainsFunc(rest, isNotAlphanumeric) {
			return MerchantID(text), nil
		}
	}
	return "", errNotMerchantID
}

// Accepts reports whether the store may belong to the environment. A developer's store (DM) may belong to
// either.
func (id MerchantID) Accepts(e Environment) bool {
	own, ok := id.Environment()
	return !ok || own == e
}

// Environment returns the store's environment. For a developer's store (DM), which may belong to either, ok is
// false.
func (id MerchantID) Environment() (e Environment, ok bool) {
	switch {
	case strings.HasPrefix(string(id), "DM"):
		return "", false
	case strings.HasPrefix(string(id), "P"):
		return Playground, true
	}
	return Production, true
}

// Migrated reports whether the store came to Kustom from Klarna. Merchant IDs of such stores never begin with M
// (documented by Kustom, help.kustom.co article 409274).
func (id MerchantID) Migrated() bool {
	letter := strings.TrimLeft(string(id), "PD")
	return strings.HasPrefix(letter, "K") || strings.HasPrefix(letter, "N")
}

// FindMerchantID returns the last merchant ID that is a word of its own in text, or an empty one. The last one
// counts because a store may be shown as "<name> – <merchant ID>", and its name may look like a merchant ID
// too.
func FindMerchantID(text string) MerchantID {
	words := strings.FieldsFunc(text, isNotAlphanumeric)
	for i := len(words) - 1; i >= 0; i-- {
		if id, err := ParseMerchantID(words[i]); err == nil {
			return id
		}
	}
	return ""
}

// IsDescription reports whether the portal accepts text as a key's description: 1 to 100 letters, digits,
// spaces and -:;.,_.
func IsDescription(text string) bool {
	const longest = 100
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
		return isNotAlphanumeric(r) && !strings.ContainsRune("-:;., _", r)
	})
}

// UsernameForm says which vendor's form a username has.
type UsernameForm string

// The forms of usernames.
const (
	// UsernameKustom is <merchant ID>-<a few letters and digits>. Documented by Kustom.
	UsernameKustom UsernameForm = "Kustom's"
	// UsernameKlarna is <merchant ID>_<hexadecimal digits>, or a UUID. Observed.
	UsernameKlarna UsernameForm = "Klarna's"
	// UsernameOther is an unknown form.
	UsernameOther UsernameForm = "unknown"
)

// FormOf returns the form of a username. It returns [UsernameOther] for text that is no username.
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

// StoreOf returns the merchant ID at the start of a username. If there is none, as in a UUID, ok is false.
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
	if err != nil || rest == "" || strings.ContainsAny(rest[:1], "-_") || strings.ContainsFunc(rest, isNeverInKey) {
		return "", 0, false
	}
	return id, username[at], true
}

// SecretKind says which vendor's form a secret has.
type SecretKind string

// The kinds of secrets.
const (
	// SecretKustom is kco_live_api_… or kco_test_api_…. Documented by Kustom.
	SecretKustom SecretKind = "Kustom's"
	// SecretKlarna is klarna_live_api_… or klarna_test_api_…. Observed.
	SecretKlarna SecretKind = "Klarna's"
	// SecretOther is any other text. It includes Klarna's older secrets, which are short and have no
	// recognizable form.
	SecretOther SecretKind = "unknown"
)

// SecretForm is [vendortext.SecretForm], which finds secrets of a known form in longer texts.
const SecretForm = vendortext.SecretForm

// secretPattern is compiled at its first use, because most runs never need it.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(SecretForm) })

// KindOf returns the kind of a secret, by its form.
func KindOf(secret string) SecretKind {
	kind, _ := parseSecret(secret)
	return kind
}

// SecretEnvironment returns the environment that a secret's form names. If it names none, ok is false.
func SecretEnvironment(secret string) (e Environment, ok bool) {
	_, e = parseSecret(secret)
	return e, e != ""
}

// parseSecret returns the kind and the environment of a secret by its prefix; none for [SecretOther].
func parseSecret(secret string) (SecretKind, Environment) {
	for _, e := range Environments() {
		for _, kind := range []SecretKind{SecretKustom, SecretKlarna} {
			rest, ok := strings.CutPrefix(secret, e.SecretPrefix(kind))
			if ok && rest != "" && !strings.ContainsFunc(rest, isNeverInKey) {
				return kind, e
			}
		}
	}
	return SecretOther, ""
}

// SecretPrefix returns the prefix of secrets of that kind in this environment; empty for [SecretOther].
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

// FindSecret returns the first secret of a known form in text, or an empty string.
func FindSecret(text string) string { return secretPattern().FindString(text) }

// MayHoldSecret reports whether text may hold a secret or a part of one. Use it on texts that should be
// something else, before you show them. It prefers false positives to missed secrets.
func MayHoldSecret(text string) bool {
	text = strings.ToLower(text)
	for _, mark := range []string{"kco_", "klarna_live_", "klarna_test_"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// isUUID reports whether text has the form of a UUID with hyphens. The library alone would accept other forms too.
func isUUID(text string) bool {
	return len(text) == len("00000000-0000-0000-0000-000000000000") && uuid.Validate(text) == nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNotAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// isNeverInKey reports whether no username and no secret contains r: spaces, control characters, and the replacement
// character, which stands for bytes that are no text. Two usernames with such bytes could look the same.
func isNeverInKey(r rune) bool {
	return r <= ' ' || r == 0x7f || r == 0x85 || r == 0xa0 || r == utf8.RuneError
}
