package setup

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/check"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// UserInput is what the user says about shops.
type UserInput struct {
	// List has the shops to set up, perhaps without merchant IDs. Nil means every shop with a token or session.
	List []shoplist.Shop
	// Also has the names of further shops.
	Also []string
	// Stores has the merchant IDs of shops. They take precedence over the list.
	Stores map[string]string
	// Shared are the merchant IDs that several shops may have.
	Shared []string
}

// Evidence is the reason why a shop belongs to a store.
type Evidence string

// The kinds of evidence.
const (
	ByKey     Evidence = "the key that the shop holds"
	ByWebsite Evidence = "the store's website"
	ByPerson  Evidence = "your list, flags or answers"
)

// Match is a shop whose store is known.
type Match struct {
	shoplist.Shop
	By Evidence
	// Problem says why the shop could not be read; empty if it could. If the user names its store, it is set up
	// anyway: a plan then knows that the shop uses no key of another store.
	Problem string
}

// Question is a question about a shop that does not match.
type Question int

// The questions.
const (
	// AskNothing: no answer would help.
	AskNothing Question = iota
	// AskStore: which store does the shop belong to?
	AskStore
	// AskShared: do the shops share a store?
	AskShared
)

// UnmatchedShop is a shop that is left out.
type UnmatchedShop struct {
	Shop, Why string
	Ask       Question
	// Shared is the merchant ID that [AskShared] is about.
	Shared string
	// Unread says that the shop has a token or session, and could not be read.
	Unread bool
}

// Matching is the result of matching shops to stores.
type Matching struct {
	// Matches are in the order of the list.
	Matches []Match
	Left    []UnmatchedShop
	// Stores are the visible stores without a shop.
	Stores []kustom.Store
	// Inactive are the matched shops whose Klarna Checkout V3 is off.
	Inactive []string
}

// Unread returns the names of the shops that are left out because they can't be read.
func (m Matching) Unread() []string {
	var names []string
	for _, left := range m.Left {
		if left.Unread {
			names = append(names, left.Shop)
		}
	}
	return names
}

// shared returns the merchant IDs of several matched shops, sorted.
func (m Matching) shared() []string {
	count := map[string]int{}
	for _, match := range m.Matches {
		count[match.MerchantID]++
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return n == 1 })
	return slices.Sorted(maps.Keys(count))
}

// matcher matches shops to stores.
type matcher struct {
	VendorData
	input UserInput
	// names and hosts have the names and websites of stores, by merchant ID.
	names, hosts map[string]string
}

// MatchShops matches shops to stores: by what the user says, by the shop's key, or else by the store's website. It
// leaves a shop out if two of these contradict each other, or if a plan would fail.
func MatchShops(data VendorData, input UserInput) Matching {
	m := matcher{VendorData: data, input: input, names: map[string]string{}, hosts: map[string]string{}}
	for _, store := range data.Stores {
		m.names[store.MerchantID], m.hosts[store.MerchantID] = store.Name, hostOf(store.Website)
	}
	var result Matching
	for _, wanted := range m.wanted() {
		match, left := m.match(wanted)
		if left.Why != "" {
			left.Shop = wanted.Name
			result.Left = append(result.Left, left)
			continue
		}
		result.Matches = append(result.Matches, match)
	}
	result.dropShared(input.Shared, m.storeName)
	result.addRest(data)
	return result
}

// wanted returns the shops to set up.
func (m *matcher) wanted() []shoplist.Shop {
	shops, more := slices.Clone(m.input.List), slices.Sorted(slices.Values(m.input.Also))
	if shops == nil {
		more = slices.Concat(slices.Sorted(maps.Keys(m.Shops)), more)
	}
	for _, name := range more {
		if !slices.ContainsFunc(shops, func(s shoplist.Shop) bool { return s.Name == name }) {
			shops = append(shops, shoplist.Shop{Name: name, Wave: 1})
		}
	}
	return shops
}

// match returns the match of one shop, or why it is left out.
func (m *matcher) match(wanted shoplist.Shop) (Match, UnmatchedShop) {
	shop, ok := m.Shops[wanted.Name]
	switch {
	case !ok:
		return Match{}, UnmatchedShop{Why: m.noAccessReason(wanted.Name)}
	case shop.Unread:
		return m.matchUnread(wanted, shop)
	case shop.Problem != "":
		return Match{}, UnmatchedShop{Why: shop.Problem}
	case shop.KustomID != "" && !isUsername(shop.KustomID):
		return Match{}, UnmatchedShop{Why: "its Kustom ID is malformed, and is not shown here: it may be the secret"}
	}
	store, by, left := m.decide(wanted, shop)
	if left.Why != "" {
		return Match{}, left
	}
	if why := m.rejection(store); why != "" {
		return Match{}, UnmatchedShop{Why: why}
	}
	wanted.MerchantID = store
	return Match{Shop: wanted, By: by}, UnmatchedShop{}
}

// matchUnread matches a shop that can't be read, by what the user says. Its name and website are no evidence, because
// no plan could compare them with its key.
func (m *matcher) matchUnread(wanted shoplist.Shop, shop Shop) (Match, UnmatchedShop) {
	store := m.namedStore(wanted)
	if store == "" {
		return Match{}, UnmatchedShop{Why: shop.Problem, Ask: AskStore, Unread: true}
	}
	if why := m.rejection(store); why != "" {
		return Match{}, UnmatchedShop{Why: why, Unread: true}
	}
	wanted.MerchantID = store
	return Match{Shop: wanted, By: ByPerson, Problem: shop.Problem}, UnmatchedShop{}
}

// namedStore returns the store that the user names for a shop; empty for none.
func (m *matcher) namedStore(wanted shoplist.Shop) string {
	if store := m.input.Stores[wanted.Name]; store != "" {
		return store
	}
	return wanted.MerchantID
}

// decide chooses the store by the evidence.
func (m *matcher) decide(wanted shoplist.Shop, shop Shop) (store string, by Evidence, left UnmatchedShop) {
	named := m.namedStore(wanted)
	held, sites := m.storeOf(shop), m.storesByWebsite(wanted, shop)
	switch {
	case named != "" && held != "" && held != named:
		return "", "", UnmatchedShop{Why: fmt.Sprintf("it holds a key of %s, but you named %s: the plan would be an error", m.storeName(held), m.storeName(named))}
	case named != "":
		return named, ByPerson, UnmatchedShop{}
	case held != "" && len(sites) > 0 && !slices.Contains(sites, held):
		return "", "", UnmatchedShop{Why: fmt.Sprintf("it holds a key of %s, but has the website of %s", m.storeName(held), m.storeName(sites[0])), Ask: AskStore}
	case held != "":
		return held, ByKey, UnmatchedShop{}
	case len(sites) == 1:
		return sites[0], ByWebsite, UnmatchedShop{}
	case len(sites) > 1:
		return "", "", UnmatchedShop{Why: fmt.Sprintf("several stores have its website: %s", strings.Join(sites, ", ")), Ask: AskStore}
	}
	return "", "", UnmatchedShop{Why: m.unknownReason(wanted, shop), Ask: AskStore}
}

// unknownReason returns why the store of a shop is unknown.
func (m *matcher) unknownReason(wanted shoplist.Shop, shop Shop) string {
	why := "it shows no Kustom ID"
	if shop.KustomID != "" {
		why = "no known store has its Kustom ID " + shop.KustomID
	}
	why += ", and no store has its website"
	for _, store := range m.Stores {
		if check.Alike(wanted.Name, store.Name) {
			return why + "; " + m.storeName(store.MerchantID) + " has a similar name"
		}
	}
	return why
}

// noAccessReason returns why a shop can't be read.
func (m *matcher) noAccessReason(shop string) string {
	why := "there is no token and no session for it"
	if near := m.Near[shop]; near != "" {
		return why + "; there is one for " + near
	}
	return why
}

// rejection returns why a plan would reject a store; empty if it would not.
func (m *matcher) rejection(store string) string {
	if _, err := kustom.ParseMerchantID(store); err != nil {
		return fmt.Sprintf("%q is not a store's merchant ID: %v", store, err)
	}
	if !kustom.MerchantID(store).Accepts(m.Environment) {
		return fmt.Sprintf("%s is not one of the %s", m.storeName(store), m.Environment)
	}
	if _, ok := m.names[store]; !ok {
		return fmt.Sprintf("the user of Kustom Portal can't see %s", m.storeName(store))
	}
	return ""
}

// storesByWebsite returns the stores with the shop's website.
func (m *matcher) storesByWebsite(wanted shoplist.Shop, shop Shop) []string {
	hosts := []string{hostOf(shop.Host)}
	for _, column := range []string{"website", "domain", "url"} {
		hosts = append(hosts, hostOf(wanted.Columns[column]))
	}
	var found []string
	for _, store := range m.Stores {
		if host := m.hosts[store.MerchantID]; host != "" && (slices.Contains(hosts, host) || isDomainOf(host, wanted.Name)) {
			found = append(found, store.MerchantID)
		}
	}
	return found
}

// isDomainOf reports whether a host is a domain with the shop's name.
func isDomainOf(host, shop string) bool {
	name, rest, _ := strings.Cut(host, ".")
	return !strings.Contains(rest, ".") && strings.ReplaceAll(name, "-", "") == strings.ReplaceAll(strings.ToLower(shop), "-", "")
}

// storeName returns the name of a store for the user.
func (m *matcher) storeName(merchantID string) string {
	if name := m.names[merchantID]; name != "" {
		return fmt.Sprintf("store %s (%s)", merchantID, name)
	}
	return "store " + merchantID
}

// dropShared leaves out shops with the same store, unless the user says that they share it. Otherwise it is probably
// a mistake in the list.
func (result *Matching) dropShared(shared []string, name func(string) string) {
	shops := map[string][]string{}
	for _, match := range result.Matches {
		shops[match.MerchantID] = append(shops[match.MerchantID], match.Name)
	}
	result.Matches = slices.DeleteFunc(result.Matches, func(match Match) bool {
		together := shops[match.MerchantID]
		if len(together) == 1 || slices.Contains(shared, match.MerchantID) {
			return false
		}
		result.Left = append(result.Left, UnmatchedShop{
			Shop: match.Name, Ask: AskShared, Shared: match.MerchantID,
			Why: fmt.Sprintf("the shops %s would all belong to %s", strings.Join(together, ", "), name(match.MerchantID)),
		})
		return true
	})
}

// addRest adds the inactive shops and the stores without a shop.
func (result *Matching) addRest(data VendorData) {
	used := map[string]bool{}
	for _, match := range result.Matches {
		used[match.MerchantID] = true
		if match.Problem == "" && !data.Shops[match.Name].Active {
			result.Inactive = append(result.Inactive, match.Name)
		}
	}
	for _, store := range data.Stores {
		if !used[store.MerchantID] {
			result.Stores = append(result.Stores, store)
		}
	}
}
