package main

import (
	"fmt"
	"slices"
	"strings"
)

// way is a configuration that gives every shop a key.
type way struct {
	name  string
	title string
	// provider is the name of its provider; empty for a built-in one.
	provider string
	// optional says that the way is skipped if its provider is missing.
	optional bool
	// quiet turns off the logging of the provider's SDK, which otherwise writes every line, down to TRACE, for
	// Terraform to drop.
	quiet bool
	// pages says that the provider uses the vendors' pages, and not their APIs. It then takes seconds for a shop, so the way
	// is measured once, with pagesShops shops, whatever the sizes.
	pages bool
	// root has the directories of ways/ with the files of the configuration. module has those of the module for one
	// shop, if there is one.
	root, module []string
}

// pagesShops is the number of shops of the ways by pages.
const pagesShops = 20

// The baselines. Each layout, flat or a module for each shop, has its own.
const (
	builtinFlat, builtinModules = "terraform-data", "terraform-data-modules"
	noopFlat, noopModules       = "noop", "noop-modules"
)

func allWays() []way {
	return []way{
		{
			name: builtinFlat, title: "`terraform_data` pairs",
			root: []string{".", "terraform-data/flat"},
		}, {
			name: builtinModules, title: "`terraform_data` pairs, a module per shop",
			root: []string{".", "modules"}, module: []string{"modules/shop", "terraform-data/modules"},
		}, {
			name: noopFlat, title: "no-op pairs", provider: "noop", quiet: true,
			root: []string{".", "noop", "noop/flat"},
		}, {
			name: noopModules, title: "no-op pairs, a module per shop", provider: "noop", quiet: true,
			root: []string{".", "noop", "modules"}, module: []string{"modules/shop", "noop", "noop/modules"},
		}, {
			name: "noop-fleet", title: "no-op fleet", provider: "noop", quiet: true,
			root: []string{".", "noop", "noop/fleet"},
		}, {
			name: "noop-fleet-chunks", title: "a no-op fleet for every 250 shops", provider: "noop", quiet: true,
			root: []string{".", "noop", "noop/fleet-chunks"},
		}, {
			name: "noop-logging", title: "no-op pairs, logging as the SDK does by itself", provider: "noop",
			root: []string{".", "noop", "noop/flat"},
		}, {
			name: "pairs", title: "pairs", provider: "kustom",
			root: []string{".", "kustom", "kustom/provider", "pairs/flat"},
		}, {
			name: "pairs-modules", title: "pairs, a module per shop", provider: "kustom",
			root:   []string{".", "kustom", "kustom/provider", "modules"},
			module: []string{"modules/shop", "kustom", "pairs/modules"},
		}, {
			name: "connections", title: "connections", provider: "kustom",
			root: []string{".", "kustom", "kustom/provider", "connections"},
		}, {
			name: "fleet", title: "fleet", provider: "kustom",
			root: []string{".", "kustom", "kustom/provider", "fleet"},
		}, {
			name: "fleet-chunks", title: "a fleet for every 250 shops", provider: "kustom",
			root: []string{".", "kustom", "kustom/provider", "fleet-chunks"},
		}, {
			name: "fleet-pages", title: "fleet, by the vendors' pages", provider: "kustom", pages: true,
			root: []string{".", "kustom", "kustom/pages", "fleet"},
		}, {
			name: "restapi", title: "`restapi_object` pairs", provider: "restapi", optional: true,
			root: []string{".", "restapi"},
		},
	}
}

// baselines returns the names of the baselines of w.
func (w way) baselines() (builtin, noop string) {
	if len(w.module) > 0 {
		return builtinModules, noopModules
	}
	return builtinFlat, noopFlat
}

func wayNames(ways []way) []string {
	var names []string
	for _, w := range ways {
		names = append(names, w.name)
	}
	return names
}

// choose returns the named ways, in the order of the report.
func choose(text string) ([]way, error) {
	if text == "" {
		return allWays(), nil
	}
	names, err := list(text, func(name string) (string, error) {
		if !slices.Contains(wayNames(allWays()), name) {
			return "", fmt.Errorf("there is no way %q; the ways are %s", name, strings.Join(wayNames(allWays()), ", "))
		}
		return name, nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(allWays(), func(w way) bool { return !slices.Contains(names, w.name) }), nil
}
