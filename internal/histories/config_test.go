package histories_test

import (
	"fmt"
	"strconv"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// The resource types of the histories.
const (
	keyType        = "kustom_api_key"
	shopType       = "mystore_klarna_checkout_credentials"
	connectionType = "kustom_mystore_connection"
	fleetType      = "kustom_mystore_fleet"
	exclusiveType  = "kustom_api_keys_exclusive"
)

// owner is the kind of object that manages a shop.
type owner string

const (
	ownerNone       owner = "none"
	ownerPair       owner = "pair"
	ownerConnection owner = "connection"
	ownerFleet      owner = "fleet"
)

var owners = []owner{ownerPair, ownerConnection, ownerFleet, ownerNone}

// shopConfig is the configuration of one shop.
type shopConfig struct {
	owner owner
	// clear and keep set the policies for the shop and for replaced keys. A fleet has them for all its shops if one
	// shop has them.
	clear, keep bool
	// deleteUnused says that replaced keys are deleted after a day without use. The field keep takes precedence.
	deleteUnused bool
	// allow permits a key of another store.
	allow bool
	// retain keeps a pair's key when it is destroyed. force deletes it even if a shop uses it.
	retain, force bool
	// moved says that a moved and a removed block turn the shop's pair into a connection.
	moved bool
	// destroyFirst says that a pair's key is destroyed before the new one is generated.
	destroyFirst bool
	// split gives a pair's key and its shop separate provider configurations, each with the tokens that it needs.
	split bool
	// wrongStore configures the shop for the wrong store.
	wrongStore bool
	// createFirst sets create_before_destroy for the shop.
	createFirst bool
	// renamed gives the shop's objects other addresses, without moved blocks.
	renamed bool
	// rotations counts the changes of the triggers; the triggers are null at 0.
	rotations int
	// imports has the import IDs of the shop's objects, by resource type.
	imports map[string]string
}

// typeName returns the type of the object that gives the shop its key; empty if there is none.
func (c shopConfig) typeName() string {
	return map[owner]string{ownerPair: shopType, ownerConnection: connectionType, ownerFleet: fleetType}[c.owner]
}

// The provider configurations.
const (
	allAccess    = "all"
	portalAccess = "portal"
	shopsAccess  = "shops"
)

// builder writes configurations.
type builder struct{ driver *tfdriver.Driver }

// name returns the first of the names that the resource type has.
func (b builder) name(typeName string, names ...string) string {
	for _, name := range names {
		if b.driver.Has(typeName, name) {
			return name
		}
	}
	panic(fmt.Sprintf("%s has none of the attributes %q", typeName, names))
}

func (b builder) replacedPolicy(typeName string) string {
	return b.name(typeName, "replaced_key_policy", "replaced_keys")
}

func (b builder) exclusiveIDs() string { return b.name(exclusiveType, "credential_ids", "key_ids") }

// address returns the address of a shop's object.
func (c shopConfig) address(typeName string, shop int) string {
	if c.renamed {
		return typeName + "." + shopNames[shop] + "_renamed"
	}
	return typeName + "." + shopNames[shop]
}

// config returns the whole configuration of a workspace.
func (b builder) config(configs [shopCount]shopConfig, exclusive [storeCount]bool) tfdriver.Config {
	var config tfdriver.Config
	var ids [storeCount][]any
	members, fleet := map[string]any{}, shopConfig{}
	note := func(shop int, c shopConfig, ref tfdriver.Ref) {
		store := storeFor(shop, c)
		ids[store] = append(ids[store], ref)
	}
	for shop, c := range configs {
		switch c.owner {
		case ownerPair:
			config = append(config, b.pair(shop, c)...)
			note(shop, c, tfdriver.RefTo(c.address(keyType, shop), "credential_id"))
		case ownerConnection:
			config = append(config, b.connection(shop, c))
			note(shop, c, tfdriver.RefTo(c.address(connectionType, shop), "credential_id"))
		case ownerFleet:
			members[shopNames[shop]] = b.member(shop, c)
			fleet.clear, fleet.keep = fleet.clear || c.clear, fleet.keep || c.keep
			fleet.deleteUnused, fleet.allow = fleet.deleteUnused || c.deleteUnused, fleet.allow || c.allow
			note(shop, c, tfdriver.RefTo(fleetType+".all", "shops", shopNames[shop], "credential_id"))
		}
	}
	if len(members) > 0 {
		config = append(config, b.fleet(fleet, members))
	}
	for store, wanted := range exclusive {
		if wanted && len(ids[store]) > 0 {
			config = append(config, tfdriver.Object{
				Address: fmt.Sprintf("%s.store%d", exclusiveType, store), Provider: allAccess,
				Values: tfdriver.Values{"merchant_id": storeIDs[store], b.exclusiveIDs(): ids[store]},
			})
		}
	}
	return config
}

func storeFor(shop int, c shopConfig) int {
	if c.wrongStore {
		return 1 - storeOf[shop]
	}
	return storeOf[shop]
}

func triggers(c shopConfig) any {
	return valueIf(c.rotations > 0, map[string]any{"turn": strconv.Itoa(c.rotations)})
}

// replacedPolicyOf returns the policy for replaced keys.
func replacedPolicyOf(c shopConfig) any {
	switch {
	case c.keep:
		return "keep"
	case c.deleteUnused:
		return "delete_when_unused"
	}
	return nil
}

// valueIf returns a value if the condition holds, and null otherwise.
func valueIf(condition bool, value any) any {
	if condition {
		return value
	}
	return nil
}

func (b builder) pair(shop int, c shopConfig) []tfdriver.Object {
	keys, shops := allAccess, allAccess
	if c.split {
		keys, shops = portalAccess, shopsAccess
	}
	key := c.address(keyType, shop)
	return []tfdriver.Object{
		{
			Address: key, Provider: keys, CreateBeforeDestroy: !c.destroyFirst, ImportID: c.imports[keyType],
			Values: tfdriver.Values{
				"merchant_id": storeIDs[storeFor(shop, c)], "rotate_when_changed": triggers(c), "deletion_policy": valueIf(c.retain, "retain"), "force_destroy": valueIf(c.force, true),
			},
		},
		{
			Address: c.address(shopType, shop), Provider: shops, ImportID: c.imports[shopType], CreateBeforeDestroy: c.createFirst,
			Values: tfdriver.Values{
				"shop": shopNames[shop], "kustom_id": tfdriver.RefTo(key, "username"),
				"kustom_secret": tfdriver.RefTo(key, "secret"), "deletion_policy": valueIf(c.clear, "clear"), "allow_store_change": valueIf(c.allow, true),
			},
		},
	}
}

// retained returns the block of a removed key, with the policy retain.
func (b builder) retained(key *tfdriver.Instance) tfdriver.Object {
	values := tfdriver.Values{"merchant_id": key.Text("merchant_id"), "deletion_policy": "retain"}
	if turn := key.Text("rotate_when_changed", "turn"); turn != "" {
		values["rotate_when_changed"] = map[string]any{"turn": turn}
	}
	return tfdriver.Object{Address: key.Address, Provider: allAccess, CreateBeforeDestroy: true, Values: values}
}

func (b builder) connection(shop int, c shopConfig) tfdriver.Object {
	from := ""
	if c.moved {
		from = c.address(shopType, shop)
	}
	return tfdriver.Object{
		Address: c.address(connectionType, shop), Provider: allAccess, ImportID: c.imports[connectionType], CreateBeforeDestroy: c.createFirst, MovedFrom: from,
		Values: tfdriver.Values{
			"shop": shopNames[shop], "merchant_id": storeIDs[storeFor(shop, c)], "rotate_when_changed": triggers(c),
			"deletion_policy": valueIf(c.clear, "clear"), b.replacedPolicy(connectionType): replacedPolicyOf(c), "allow_store_change": valueIf(c.allow, true),
		},
	}
}

func (b builder) member(shop int, c shopConfig) any {
	return map[string]any{"merchant_id": storeIDs[storeFor(shop, c)], "rotate_when_changed": triggers(c)}
}

func (b builder) fleet(c shopConfig, members map[string]any) tfdriver.Object {
	return tfdriver.Object{
		Address: fleetType + ".all", Provider: allAccess,
		Values: tfdriver.Values{
			// One shop at a time, so that the result depends on the history only.
			"shops": members, "max_concurrency": 1,
			"deletion_policy": valueIf(c.clear, "clear"), b.replacedPolicy(fleetType): replacedPolicyOf(c), "allow_store_change": valueIf(c.allow, true),
		},
	}
}
