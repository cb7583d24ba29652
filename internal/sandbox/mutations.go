package sandbox

import (
	"slices"
	"strings"
)

// Mutation is one change of the pages that a vendor could make without notice.
type Mutation struct {
	Name        string
	Description string

	// rename goes from the English word on a page to what it becomes, in every language.
	rename map[string]string
	// spell changes how a word is written; word is the English one, and shown what it is at present.
	spell func(word, shown string) string
}

// Mutations are all that the pages know, for [PagesOptions]. Those without words of their own are made by
// the pages' scripts.
func Mutations() []Mutation { return slices.Clone(mutations) }

func (m Mutation) apply(word, shown string) string {
	if other, ok := m.rename[word]; ok {
		shown = other
	}
	if m.spell != nil {
		shown = m.spell(word, shown)
	}
	return shown
}

// afterEach adds to some words.
func afterEach(suffix string, of ...string) func(string, string) string {
	return func(word, shown string) string {
		if slices.Contains(of, word) {
			return shown + suffix
		}
		return shown
	}
}

var mutations = []Mutation{
	// Words.
	{Name: "add-api-key", Description: "Generate new is called Add API Key, as in an older article", rename: map[string]string{"Generate new": "Add API Key"}},
	{Name: "create-key", Description: "Generate new is called Create API key", rename: map[string]string{"Generate new": "Create API key"}},
	{Name: "delete-other-case", Description: "Delete API Key is written Delete API key", rename: map[string]string{"Delete API Key": "Delete API key"}},
	{Name: "revoke-key", Description: "Delete API Key is called Revoke key", rename: map[string]string{"Delete API Key": "Revoke key"}},
	{Name: "store-singular", Description: "Stores is called Store", rename: map[string]string{"Stores": "Store"}},
	{Name: "password-secret", Description: "Password is called API secret in the popup, and Key ID Username", rename: map[string]string{"Password": "API secret", "Key ID": "Username"}},
	{Name: "popup-renamed", Description: "the popup is titled New API key", rename: map[string]string{"Kustom API Key generated": "New API key"}},
	{Name: "save-renamed", Description: "Update ID and Secret is called Save", rename: map[string]string{"Update ID and Secret": "Save"}},
	{Name: "settings-group", Description: "Integrations and Developers are called Settings", rename: map[string]string{"Integrations": "Settings", "Developers": "Settings"}},
	{Name: "upper-case", Description: "every word is in capitals", spell: func(_, shown string) string { return strings.ToUpper(shown) }},
	{Name: "suffix-star", Description: "the names of fields end in an asterisk", spell: afterEach(" *", "Stores", "Kustom ID", "Kustom Secret", "Email address", "Key ID", "Password")},
	{Name: "suffix-ellipsis", Description: "the names of buttons end in an ellipsis", spell: afterEach("…", "Generate new", "Delete API Key", "Update ID and Secret")},
	{Name: "zero-width", Description: "words have a zero-width space in them", spell: func(_, shown string) string { return strings.ReplaceAll(shown, "e", "e\u200b") }},
	{Name: "no-break-space", Description: "words are parted by no-break spaces", spell: func(_, shown string) string { return strings.ReplaceAll(shown, " ", "\u00a0") }},
	{Name: "norwegian", Description: "the pages are in Norwegian, whatever was chosen"},
	{Name: "dates-iso", Description: "dates are written 2025-11-17 19:56"},
	{Name: "dates-day-only", Description: "dates have no time of day"},
	{Name: "dates-time-element", Description: "dates are time elements with the moment in an attribute"},

	// Time.
	{Name: "rows-late", Description: "the rows of keys come 700 ms late"},
	{Name: "empty-first", Description: "the list says that it is empty for 1.5 s, before the rows are asked for"},
	{Name: "skeleton-rows", Description: "rows without text stand in the table until the keys come"},
	{Name: "list-stale", Description: "the list behind the popup of a new key stays as it was"},
	{Name: "generate-slow", Description: "Please wait… is said as an alert for 1.5 s before the popup"},
	{Name: "search-slow", Description: "the search for extensions takes 700 ms"},

	// Place.
	{Name: "iframe", Description: "the content of the page is in a frame of the same origin"},
	{Name: "shadow", Description: "the page and what floats over it are in open shadow roots"},
	{Name: "menu-flat", Description: "API is in the menu itself, and not in a group"},
	{Name: "menu-hamburger", Description: "the menu is hidden behind a button"},
	{Name: "menu-open", Description: "all groups of the control panel's menu are open"},
	{Name: "page-tabs", Description: "API is a tab of the page Integrations"},
	{Name: "stores-in-header", Description: "the choice of the store is in the header"},
	{Name: "consent-modal", Description: "cookies are asked about by a modal dialog"},
	{Name: "news-dialog", Description: "a dialog with news opens a moment after the first page"},

	// The choice of the store.
	{Name: "select-native", Description: "stores are chosen by the browser's own select"},
	{Name: "combobox-no-search", Description: "the list of stores has no field to search"},
	{Name: "store-not-chosen", Description: "no store is chosen at first"},
	{Name: "stores-unlabelled", Description: "the choice of the store has no label"},
	{Name: "stores-label-apart", Description: "the label of the choice of the store is only text beside it"},

	// The list of keys.
	{Name: "table-cards", Description: "keys are cards, and not rows of a table"},
	{Name: "table-dl", Description: "keys are description lists"},
	{Name: "table-grid", Description: "keys are rows of an ARIA grid"},
	{Name: "table-named", Description: "the table of keys has a caption"},
	{Name: "row-headers", Description: "Key IDs are row headers"},
	{Name: "columns-moved", Description: "the columns are in another order"},
	{Name: "column-extra", Description: "there is a column Description before the others"},
	{Name: "count-of", Description: "the count says 10/12 Results"},
	{Name: "count-absent", Description: "nothing says how many keys there are"},
	{Name: "next-link", Description: "Previous and Next are links"},
	{Name: "next-icon", Description: "Previous and Next are icons"},
	{Name: "next-plain", Description: "Previous and Next have no other names than their texts"},
	{Name: "next-absent", Description: "Next is absent on the last page, and not disabled"},
	{Name: "load-more", Description: "Load more stands in for Previous and Next"},
	{Name: "one-page", Description: "all keys are on one page"},

	// Making a key.
	{Name: "generate-link", Description: "Generate new is a link"},
	{Name: "generate-icon", Description: "Generate new is an icon with a title"},
	{Name: "generate-confirm", Description: "a dialog asks before a key is made"},
	{Name: "buttons-are-divs", Description: "buttons are divs without a role"},
	{Name: "inert", Description: "what is behind a dialog has the attribute inert as well"},
	{Name: "popup-plain", Description: "dialogs are overlays without a role, and the page behind them stays active"},
	{Name: "popup-inline", Description: "the new key is shown on the page, and not in a popup"},
	{Name: "popup-alertdialog", Description: "the popup of a new key is an alert dialog"},
	{Name: "popup-inputs", Description: "Key ID and Password are fields that can't be changed"},
	{Name: "popup-password-inputs", Description: "Key ID and Password are password fields without names"},
	{Name: "popup-code", Description: "Key ID and Password are code elements"},
	{Name: "popup-split", Description: "Key ID and Password are split over several elements"},
	{Name: "popup-dl", Description: "Key ID and Password are a description list"},
	{Name: "popup-password-first", Description: "the popup shows Password before Key ID"},
	{Name: "close-icon-only", Description: "the popup's only button to close it is an icon without a name"},

	// Deleting a key.
	{Name: "row-menu-unnamed", Description: "the button of a row's menu has no name"},
	{Name: "row-delete-button", Description: "rows have a button with a bin in place of a menu"},
	{Name: "menu-more-items", Description: "a row's menu has more items than one"},
	{Name: "delete-red", Description: "the confirmation has a red button Delete API key"},
	{Name: "delete-alertdialog", Description: "the confirmation is an alert dialog"},
	{Name: "delete-names-key", Description: "the confirmation says the Key ID"},
	{Name: "delete-typed", Description: "the confirmation wants the Key ID to be typed"},
	{Name: "delete-native", Description: "the browser's own dialog asks before a key is deleted"},
	{Name: "delete-at-once", Description: "nothing asks before a key is deleted"},

	// What is said afterwards.
	{Name: "toast-alert", Description: "what is said afterwards is an alert, success too"},
	{Name: "toast-status", Description: "what is said afterwards is a status"},
	{Name: "silent", Description: "nothing is said afterwards, failure neither"},

	// The control panel of a shop.
	{Name: "extensions-flat", Description: "Extensions is a link in the menu, and not a group"},
	{Name: "extension-renamed", Description: "Klarna Checkout V3 is called Kustom Checkout"},
	{Name: "cards-unlinked", Description: "the names of extensions lead nowhere"},
	{Name: "cards-bare", Description: "Credentials is on the extension's own page only"},
	{Name: "search-first", Description: "no extension is shown until one is searched for"},
	{Name: "credentials-tab", Description: "Credentials is a tab of the extension's page"},
	{Name: "credentials-dialog", Description: "Credentials is a dialog on the extension's page"},
	{Name: "fields-placeholder", Description: "fields have a placeholder, and no label"},
	{Name: "fields-label-apart", Description: "labels are only text above their fields"},
	{Name: "id-not-shown", Description: "the Kustom ID is never shown"},
	{Name: "secret-masked", Description: "the field of the secret is filled with bullets"},
	{Name: "secret-text", Description: "the field of the secret shows what is typed"},
	{Name: "saved-reload", Description: "the page is loaded again after saving, and nothing is said"},
}
