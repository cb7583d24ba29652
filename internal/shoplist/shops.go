package shoplist

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// The columns with a meaning.
const (
	columnShop        = "shop"
	columnMerchantID  = "merchant_id"
	columnDescription = "description"
	columnWave        = "wave"
)

// Shop is one row of a list of shops.
type Shop struct {
	// Name is the name of the Mystore shop.
	Name string
	// MerchantID is the merchant ID of the shop's store.
	MerchantID string
	// Description is the description of the key in the portal; empty if the list has none.
	Description string
	// Wave is the number of the shop's wave, from 1. Without a column of waves, it is 1.
	Wave int
	// Columns has the row's other cells, by the column's header in lower case with underscores.
	Columns map[string]string
}

// namePattern is the form of a shop's name. The name is part of an address.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// IsName reports whether text may be the name of a Mystore shop. Text that may be a secret is none.
func IsName(text string) bool { return namePattern.MatchString(text) && !kustom.MayHoldSecret(text) }

// ParseShops returns the shops of a CSV file in their order. Only shops of the shared merchant IDs may have the same
// one: a copied row that was not edited would give a shop the key of another store. The error is an [*Error] with all
// mistakes.
func ParseShops(content []byte, shared ...string) ([]Shop, error) {
	return parse(content, shopList{shared: shared}, columnShop, columnMerchantID)
}

// ParseDraft is ParseShops for a list whose merchant IDs are incomplete. A row, or the whole list, may have none, and
// several shops may have the same one.
func ParseDraft(content []byte) ([]Shop, error) {
	return parse(content, shopList{draft: true}, columnShop)
}

func parse(content []byte, l shopList, required ...string) ([]Shop, error) {
	text, err := decode(content)
	if err != nil {
		return nil, err
	}
	if l.table, err = readTable(text); err != nil {
		return nil, err
	}
	if err := l.require(required...); err != nil {
		return nil, err
	}
	if len(l.rows) == 0 {
		return nil, refusal("The list has no shops.")
	}
	l.byName, l.byID = map[string]int{}, map[string]Shop{}
	for _, r := range l.rows {
		l.add(r)
	}
	if len(l.problems) > 0 {
		return nil, &Error{Problems: l.problems}
	}
	return l.shops, nil
}

// shopList collects shops and mistakes.
type shopList struct {
	table
	// draft says that merchant IDs may be missing.
	draft    bool
	shared   []string
	shops    []Shop
	problems []Problem
	// byName has the row number of each shop, by its name in lower case.
	byName map[string]int
	byID   map[string]Shop
}

func (l *shopList) refuse(r row, column, format string, values ...any) {
	l.problems = append(l.problems, l.problem(r, column, fmt.Sprintf(format, values...)))
}

func (l *shopList) add(r row) {
	shop := Shop{
		Name: l.cell(r, columnShop), MerchantID: l.cell(r, columnMerchantID), Description: l.cell(r, columnDescription),
		Wave: l.wave(r), Columns: l.others(r),
	}
	l.checkName(r, shop)
	l.checkMerchantID(r, shop)
	if shop.Description != "" && (!kustom.IsDescription(shop.Description) || kustom.MayHoldSecret(shop.Description)) {
		l.refuse(r, columnDescription, "%s is not the description of a key. Kustom Portal accepts 1 to 100 letters from "+
			"A to Z, digits, spaces and -:;.,_.",
			quote(shop.Description))
	}
	l.shops = append(l.shops, shop)
}

// checkName rejects a name that another row has. The case does not matter, because both names have the same address.
func (l *shopList) checkName(r row, shop Shop) {
	if !IsName(shop.Name) {
		l.refuse(r, columnShop, "%s is not the name of a Mystore shop.", quote(shop.Name))
		return
	}
	name := strings.ToLower(shop.Name)
	if first, twice := l.byName[name]; twice {
		l.refuse(r, columnShop, "The shop %s is in the list more than once: row %d has it too.", shop.Name, first)
		return
	}
	l.byName[name] = r.number
}

func (l *shopList) checkMerchantID(r row, shop Shop) {
	if l.draft && shop.MerchantID == "" {
		return
	}
	if _, err := kustom.ParseMerchantID(shop.MerchantID); err != nil {
		l.refuse(r, columnMerchantID, "%s is not a merchant ID. %s.", quote(shop.MerchantID), sentence(err))
		return
	}
	first, taken := l.byID[shop.MerchantID]
	switch {
	case !taken:
		l.byID[shop.MerchantID] = shop
	case !l.draft && first.Name != shop.Name && !slices.Contains(l.shared, shop.MerchantID):
		l.refuse(r, columnMerchantID, "The shops %s and %s have one merchant ID, %s. If they do share a store, name it as a shared merchant ID.",
			first.Name, shop.Name, shop.MerchantID)
	}
}

// wave returns the shop's wave. An empty cell is a mistake, because it could mean the first or the last wave.
func (l *shopList) wave(r row) int {
	if _, ok := l.columns[columnWave]; !ok {
		return 1
	}
	cell := l.cell(r, columnWave)
	wave, err := strconv.Atoi(cell)
	if err != nil || wave < 1 {
		l.refuse(r, columnWave, "%s is not a wave. Waves are whole numbers from 1.", quote(cell))
		return 1
	}
	return wave
}

// others returns the row's cells in columns without a meaning here.
func (l *shopList) others(r row) map[string]string {
	others := map[string]string{}
	for name, i := range l.columns {
		switch name {
		case columnShop, columnMerchantID, columnDescription, columnWave:
		default:
			others[name] = r.cells[i]
		}
	}
	return others
}

// quote returns a cell for a message. It hides a cell that may be a secret.
func quote(cell string) string {
	const longest = 60
	switch {
	case cell == "":
		return "The empty cell"
	case kustom.MayHoldSecret(cell) || len(cell) > longest:
		return "The cell (not shown, because it may be a secret)"
	}
	return strconv.Quote(cell)
}

// sentence returns an error's text with a capital letter.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
