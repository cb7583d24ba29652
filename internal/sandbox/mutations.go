package sandbox

import (
	"slices"
	"strings"
)

// Mutation is a change of the pages that a vendor could make without notice.
type Mutation struct {
	Name        string
	Description string
	// Step is the step of a switch that it affects.
	Step MutatedStep

	// rename maps an English word on a page to the new one, in every language.
	rename map[string]string
	// spell changes the spelling of a word. The argument word is the English one, and shown is the present spelling.
	spell func(word, shown string) string
}

// Mutations returns all mutations, for [PagesOptions]. The pages' scripts implement those that change no words.
func Mutations() []Mutation { return slices.Clone(mutations) }

// On reports whether it changes the pages of the portal ([PortalPages]) or of the shops ([MystorePages]).
func (m Mutation) On(api string) bool {
	switch m.Step {
	case StepAnyPage:
		return true
	case StepOpenShop, StepWriteShop:
		return api == MystorePages
	default:
		return api == PortalPages
	}
}

func (m Mutation) apply(word, shown string) string {
	if other, ok := m.rename[word]; ok {
		shown = other
	}
	if m.spell != nil {
		shown = m.spell(word, shown)
	}
	return shown
}

// afterEach adds a suffix to some words.
func afterEach(suffix string, of ...string) func(string, string) string {
	return func(word, shown string) string {
		if slices.Contains(of, word) {
			return shown + suffix
		}
		return shown
	}
}

// MutatedStep is a step of a switch by pages.
type MutatedStep string

// The steps of a switch, in their order.
const (
	StepAnyPage     MutatedStep = "read any page"
	StepOpenAPI     MutatedStep = "open the API page"
	StepChooseStore MutatedStep = "choose the store"
	StepListKeys    MutatedStep = "list the keys"
	StepMakeKey     MutatedStep = "make a key"
	StepOpenShop    MutatedStep = "open the shop's credentials"
	StepWriteShop   MutatedStep = "write the shop's credentials"
	StepDeleteKey   MutatedStep = "delete a key"
)

// MutatedSteps returns the steps of a switch in their order.
func MutatedSteps() []MutatedStep {
	return []MutatedStep{
		StepAnyPage, StepOpenAPI, StepChooseStore, StepListKeys, StepMakeKey, StepOpenShop, StepWriteShop, StepDeleteKey,
	}
}

var mutations = []Mutation{
	// Words.
	{Name: "add-api-key", Step: StepMakeKey, Description: "Generate new is called Add API Key, as in an older article", rename: map[string]string{"Generate new": "Add API Key"}},
	{Name: "create-key", Step: StepMakeKey, Description: "Generate new is called Create API key", rename: map[string]string{"Generate new": "Create API key"}},
	{Name: "delete-other-case", Step: StepDeleteKey, Description: "Delete API Key is written Delete API key", rename: map[string]string{"Delete API Key": "Delete API key"}},
	{Name: "revoke-key", Step: StepDeleteKey, Description: "Delete API Key is called Revoke key", rename: map[string]string{"Delete API Key": "Revoke key"}},
	{Name: "store-singular", Step: StepChooseStore, Description: "Stores is called Store", rename: map[string]string{"Stores": "Store"}},
	{Name: "password-secret", Step: StepMakeKey, Description: "Password is called API secret in the popup, and Key ID Username", rename: map[string]string{"Password": "API secret", "Key ID": "Username"}},
	{Name: "popup-renamed", Step: StepMakeKey, Description: "the popup is titled New API key", rename: map[string]string{"Kustom API Key generated": "New API key"}},
	{Name: "save-renamed", Step: StepWriteShop, Description: "Update ID and Secret is called Save", rename: map[string]string{"Update ID and Secret": "Save"}},
	{Name: "settings-group", Step: StepOpenAPI, Description: "Integrations and Developers are called Settings", rename: map[string]string{"Integrations": "Settings", "Developers": "Settings"}},
	{Name: "upper-case", Step: StepAnyPage, Description: "every word is in capitals", spell: func(_, shown string) string { return strings.ToUpper(shown) }},
	{Name: "suffix-star", Step: StepAnyPage, Description: "the names of fields end in an asterisk", spell: afterEach(" *", "Stores", "Kustom ID", "Kustom Secret", "Email address", "Key ID", "Password")},
	{Name: "suffix-ellipsis", Step: StepAnyPage, Description: "the names of buttons end in an ellipsis", spell: afterEach("…", "Generate new", "Delete API Key", "Update ID and Secret")},
	{Name: "zero-width", Step: StepAnyPage, Description: "words have a zero-width space in them", spell: func(_, shown string) string { return strings.ReplaceAll(shown, "e", "e\u200b") }},
	{Name: "no-break-space", Step: StepAnyPage, Description: "words are parted by no-break spaces", spell: func(_, shown string) string { return strings.ReplaceAll(shown, " ", "\u00a0") }},
	{Name: "norwegian", Step: StepAnyPage, Description: "the pages are in Norwegian, whatever was chosen"},
	{Name: "dates-iso", Step: StepListKeys, Description: "dates are written 2025-11-17 19:56"},
	{Name: "dates-day-only", Step: StepListKeys, Description: "dates have no time of day"},
	{Name: "dates-time-element", Step: StepListKeys, Description: "dates are time elements with the moment in an attribute"},

	// Time.
	{Name: "rows-late", Step: StepListKeys, Description: "the rows of keys come 700 ms late"},
	{Name: "empty-first", Step: StepListKeys, Description: "the list says that it is empty for 1.5 s, before the rows are asked for"},
	{Name: "skeleton-rows", Step: StepListKeys, Description: "rows without text stand in the table until the keys come"},
	{Name: "list-stale", Step: StepMakeKey, Description: "the list behind the popup of a new key stays as it was"},
	{Name: "generate-slow", Step: StepMakeKey, Description: "Please wait… is said as an alert for 1.5 s before the popup"},
	{Name: "search-slow", Step: StepOpenShop, Description: "the search for extensions takes 700 ms"},

	// Place.
	{Name: "iframe", Step: StepAnyPage, Description: "the content of the page is in a frame of the same origin"},
	{Name: "shadow", Step: StepAnyPage, Description: "the page and what floats over it are in open shadow roots"},
	{Name: "menu-flat", Step: StepOpenAPI, Description: "API is in the menu itself, and not in a group"},
	{Name: "menu-hamburger", Step: StepOpenAPI, Description: "the menu is hidden behind a button"},
	{Name: "menu-open", Step: StepOpenShop, Description: "all groups of the control panel's menu are open"},
	{Name: "lookalikes", Step: StepAnyPage, Description: "beside what is needed, there are things whose names begin or end with the same words"},
	{Name: "page-tabs", Step: StepOpenAPI, Description: "API is a tab of the page Integrations"},
	{Name: "stores-in-header", Step: StepChooseStore, Description: "the choice of the store is in the header"},
	{Name: "consent-modal", Step: StepAnyPage, Description: "cookies are asked about by a modal dialog"},
	{Name: "news-dialog", Step: StepAnyPage, Description: "a dialog with news opens a moment after the first page"},

	// The choice of the store.
	{Name: "select-native", Step: StepChooseStore, Description: "stores are chosen by the browser's own select"},
	{Name: "combobox-no-search", Step: StepChooseStore, Description: "the list of stores has no field to search"},
	{Name: "store-not-chosen", Step: StepChooseStore, Description: "no store is chosen at first"},
	{Name: "stores-unlabelled", Step: StepChooseStore, Description: "the choice of the store has no label"},
	{Name: "stores-label-apart", Step: StepChooseStore, Description: "the label of the choice of the store is only text beside it"},

	// The list of keys.
	{Name: "table-cards", Step: StepListKeys, Description: "keys are cards, and not rows of a table"},
	{Name: "table-dl", Step: StepListKeys, Description: "keys are description lists"},
	{Name: "table-grid", Step: StepListKeys, Description: "keys are rows of an ARIA grid"},
	{Name: "table-named", Step: StepListKeys, Description: "the table of keys has a caption"},
	{Name: "row-headers", Step: StepListKeys, Description: "Key IDs are row headers"},
	{Name: "columns-moved", Step: StepListKeys, Description: "the columns are in another order"},
	{Name: "column-extra", Step: StepListKeys, Description: "there is a column Description before the others"},
	{Name: "count-of", Step: StepListKeys, Description: "the count says 10/12 Results"},
	{Name: "count-absent", Step: StepListKeys, Description: "nothing says how many keys there are"},
	{Name: "next-link", Step: StepListKeys, Description: "Previous and Next are links"},
	{Name: "next-icon", Step: StepListKeys, Description: "Previous and Next are icons"},
	{Name: "next-plain", Step: StepListKeys, Description: "Previous and Next have no other names than their texts"},
	{Name: "next-absent", Step: StepListKeys, Description: "Next is absent on the last page, and not disabled"},
	{Name: "load-more", Step: StepListKeys, Description: "Load more stands in for Previous and Next"},
	{Name: "one-page", Step: StepListKeys, Description: "all keys are on one page"},

	// Making a key.
	{Name: "generate-link", Step: StepMakeKey, Description: "Generate new is a link"},
	{Name: "generate-icon", Step: StepMakeKey, Description: "Generate new is an icon with a title"},
	{Name: "generate-confirm", Step: StepMakeKey, Description: "a dialog asks before a key is made"},
	{Name: "buttons-are-divs", Step: StepAnyPage, Description: "buttons are divs without a role"},
	{Name: "inert", Step: StepAnyPage, Description: "what is behind a dialog has the attribute inert as well"},
	{Name: "popup-plain", Step: StepAnyPage, Description: "dialogs are overlays without a role, and the page behind them stays active"},
	{Name: "popup-inline", Step: StepMakeKey, Description: "the new key is shown on the page, and not in a popup"},
	{Name: "popup-alertdialog", Step: StepMakeKey, Description: "the popup of a new key is an alert dialog"},
	{Name: "popup-inputs", Step: StepMakeKey, Description: "Key ID and Password are fields that can't be changed"},
	{Name: "popup-password-inputs", Step: StepMakeKey, Description: "Key ID and Password are password fields without names"},
	{Name: "popup-code", Step: StepMakeKey, Description: "Key ID and Password are code elements"},
	{Name: "popup-split", Step: StepMakeKey, Description: "Key ID and Password are split over several elements"},
	{Name: "popup-dl", Step: StepMakeKey, Description: "Key ID and Password are a description list"},
	{Name: "popup-password-first", Step: StepMakeKey, Description: "the popup shows Password before Key ID"},
	{Name: "close-icon-only", Step: StepMakeKey, Description: "the popup's only button to close it is an icon without a name"},

	// Deleting a key.
	{Name: "row-menu-unnamed", Step: StepDeleteKey, Description: "the button of a row's menu has no name"},
	{Name: "row-delete-button", Step: StepDeleteKey, Description: "rows have a button with a bin in place of a menu"},
	{Name: "menu-more-items", Step: StepDeleteKey, Description: "a row's menu has more items than one"},
	{Name: "delete-red", Step: StepDeleteKey, Description: "the confirmation has a red button Delete API key"},
	{Name: "delete-alertdialog", Step: StepDeleteKey, Description: "the confirmation is an alert dialog"},
	{Name: "delete-names-key", Step: StepDeleteKey, Description: "the confirmation says the Key ID"},
	{Name: "delete-typed", Step: StepDeleteKey, Description: "the confirmation wants the Key ID to be typed"},
	{Name: "delete-native", Step: StepDeleteKey, Description: "the browser's own dialog asks before a key is deleted"},
	{Name: "delete-at-once", Step: StepDeleteKey, Description: "nothing asks before a key is deleted"},

	// What is said afterwards.
	{Name: "toast-alert", Step: StepAnyPage, Description: "what is said afterwards is an alert, success too"},
	{Name: "toast-status", Step: StepAnyPage, Description: "what is said afterwards is a status"},
	{Name: "silent", Step: StepAnyPage, Description: "nothing is said afterwards, failure neither"},

	// The control panel of a shop.
	{Name: "extensions-flat", Step: StepOpenShop, Description: "Extensions is a link in the menu, and not a group"},
	{Name: "extension-renamed", Step: StepOpenShop, Description: "Klarna Checkout V3 is called Kustom Checkout"},
	{Name: "cards-unlinked", Step: StepOpenShop, Description: "the names of extensions lead nowhere"},
	{Name: "cards-bare", Step: StepOpenShop, Description: "Credentials is on the extension's own page only"},
	{Name: "search-first", Step: StepOpenShop, Description: "no extension is shown until one is searched for"},
	{Name: "credentials-tab", Step: StepOpenShop, Description: "Credentials is a tab of the extension's page"},
	{Name: "credentials-dialog", Step: StepOpenShop, Description: "Credentials is a dialog on the extension's page"},
	{Name: "fields-placeholder", Step: StepWriteShop, Description: "fields have a placeholder, and no label"},
	{Name: "fields-label-apart", Step: StepWriteShop, Description: "labels are only text above their fields"},
	{Name: "id-not-shown", Step: StepWriteShop, Description: "the Kustom ID is never shown"},
	{Name: "secret-masked", Step: StepWriteShop, Description: "the field of the secret is filled with bullets"},
	{Name: "secret-text", Step: StepWriteShop, Description: "the field of the secret shows what is typed"},
	{Name: "saved-reload", Step: StepWriteShop, Description: "the page is loaded again after saving, and nothing is said"},
}
