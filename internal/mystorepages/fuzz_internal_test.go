package mystorepages

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// FuzzReadForm reads random forms. The Kustom ID is read from the field that the new one is typed into, and that is not the
// field of the secret.
func FuzzReadForm(f *testing.F) {
	f.Add("Kustom ID", "M00537204-xM2pE", "text", "Kustom Secret", "••••", "password", "Update ID and Secret", "button", "Last updated: 2 Mar 2026")
	f.Add("kustom id *", "", "", "KUSTOM SECRET", "", "", "Save", "link", "")
	f.Add("ID", "kco_live_api_FAKE", "password", "Secret", "", "text", "Oppdater", "", "Sist oppdatert")
	f.Fuzz(func(t *testing.T, idLabel, id, idType, secretLabel, secret, secretType, update, updateRole, updated string) {
		snapshot, err := json.Marshal(map[string]any{"url": "https://shop.example/kontrollpanel", "nodes": []map[string]any{
			{"p": -1, "i": 1, "t": "body", "k": true},
			{"p": 0, "i": 2, "t": "form", "k": true},
			{"p": 1, "i": 3, "t": "input", "r": "textbox", "y": idType, "n": idLabel, "v": id},
			{"p": 1, "i": 4, "t": "input", "r": "textbox", "y": secretType, "n": secretLabel, "v": secret},
			{"p": 1, "i": 5, "t": "button", "r": updateRole, "c": true, "n": update},
			{"p": 0, "i": 6, "t": "p", "k": true},
			{"p": 5, "i": 7, "r": "text", "x": updated},
		}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := browser.ParsePage(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		v := &visit{Visit: &browser.Visit{Words: browser.NewWords(Table(), nil), Page: "Credentials"}}
		read, err := v.formOn(p)
		if err != nil {
			return
		}
		if read.ID.Is(read.Secret) || read.Holds.KustomID != strings.TrimSpace(read.ID.Value) {
			t.Errorf("%q is read as %q", id, read.Holds.KustomID)
		}
	})
}
