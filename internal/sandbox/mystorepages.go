package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func mystorePagesMount() *mount {
	const extension = "/{shop}/extensions/{extension_id}"
	return &mount{
		api:      MystorePages,
		prefix:   mystorePagesPrefix,
		identify: identifySession,
		admit:    admitPage,
		refuse:   refusePage(mystorePagesPrefix, "mystore", mystoreBrand),
		pages:    true,
		routes: []*route{
			{method: http.MethodGet, template: "/", handle: (*Sandbox).mystoreStart},
			{method: http.MethodGet, template: "/sign-in", handle: (*Sandbox).getSignIn, page: page{open: true}},
			{method: http.MethodPost, template: "/sign-in", handle: (*Sandbox).takePassword, page: page{open: true, again: (*Sandbox).getSignIn}},
			{method: http.MethodGet, template: "/sign-in/code", handle: (*Sandbox).codePage, page: page{open: true}},
			{method: http.MethodPost, template: "/sign-in/code", handle: (*Sandbox).takeCode, page: page{open: true, again: (*Sandbox).codePage}},
			{method: http.MethodGet, template: "/sign-in/{token}", handle: (*Sandbox).openLink, page: page{open: true}},
			{method: http.MethodPost, template: "/sign-out", handle: (*Sandbox).signOut},
			{method: http.MethodGet, template: "/{shop}", handle: (*Sandbox).mystoreHome},
			{method: http.MethodGet, template: "/{shop}/extensions", handle: (*Sandbox).extensionsPage},
			{method: http.MethodGet, template: extension, handle: (*Sandbox).extensionPage},
			{method: http.MethodGet, template: extension + "/credentials", handle: (*Sandbox).credentialsPage},
			{method: http.MethodPost, template: extension + "/credentials", handle: (*Sandbox).saveCredentials, page: page{again: (*Sandbox).credentialsPage}},
		},
	}
}

// What the pages of a shop show besides the frame.
type (
	extensionsData struct {
		Query      string
		Extensions []extensionData
	}
	extensionData struct {
		Extension
		Href string
		// Credentials is the path of the page of that name; empty when the extension has none.
		Credentials string
	}
	pairData struct {
		Extension extensionData
		KustomID  string
		SecretSet bool
		UpdatedAt *time.Time
	}
)

func (s *Sandbox) mystoreStart(c *call) *answer { return c.redirect("/" + c.tokenShop.Name) }

// takePassword never says which of the three was wrong.
func (s *Sandbox) takePassword(c *call) *answer {
	form := c.form()
	sh := s.state.shopByName[strings.ToLower(strings.TrimSpace(form.Get("store")))]
	u := sh.user(strings.TrimSpace(form.Get("email")), form.Get("password"))
	if u == nil {
		return s.signInPage(c, http.StatusUnprocessableEntity, "The store name, e-mail or password is wrong.")
	}
	if u.CodeSeed != "" {
		return s.beginSession(c, session{waiting: u, waitingShop: sh}, c.redirect("/sign-in/code"))
	}
	return s.beginSession(c, session{shop: sh, email: u.Email}, c.redirect("/"+sh.Name))
}

// user is the one with that password, or nil; a shop that does not exist has none.
func (sh *Shop) user(email, password string) *ShopUser {
	if sh == nil {
		return nil
	}
	i := slices.IndexFunc(sh.Users, func(u ShopUser) bool {
		return strings.EqualFold(u.Email, email) && equalText(u.Password, password)
	})
	if i < 0 {
		return nil
	}
	return &sh.Users[i]
}

func (s *Sandbox) codePage(c *call) *answer {
	if c.session == nil || c.session.waiting == nil {
		return c.redirect("/sign-in")
	}
	return c.show(http.StatusOK, c.newView("mystore-code", "One-time code"))
}

func (s *Sandbox) takeCode(c *call) *answer {
	u, sh := c.session.waiting, c.session.waitingShop
	if u == nil {
		return c.redirect("/sign-in")
	}
	if !u.takes(strings.TrimSpace(c.form().Get("code")), s.now()) {
		v := c.newView("mystore-code", "One-time code")
		v.Alert = v.say("The code is wrong, or no longer valid.")
		return c.show(http.StatusUnprocessableEntity, v)
	}
	return s.beginSession(c, session{shop: sh, email: u.Email}, c.redirect("/"+sh.Name))
}

// shopView starts the view of one of the shop's pages.
func (c *call) shopView(page, title string, home bool) *view {
	v := c.newView(page, title)
	v.User = c.session.email
	v.Shown = c.tokenShop.Name
	base := c.mount.prefix + "/" + c.tokenShop.Name
	v.Nav = []navLink{
		{v.say("Home"), base, home},
		{v.say("Extensions"), base + "/extensions", !home},
	}
	return v
}

func (s *Sandbox) mystoreHome(c *call) *answer {
	v := c.shopView("mystore-home", "Home", true)
	v.Data = extensionsData{Extensions: c.extensions("")}
	return c.show(http.StatusOK, v)
}

func (s *Sandbox) extensionsPage(c *call) *answer {
	query := c.http.URL.Query().Get("q")
	v := c.shopView("mystore-extensions", "Extensions", false)
	v.Data = extensionsData{Query: query, Extensions: c.extensions(query)}
	return c.show(http.StatusOK, v)
}

// extensions are those of the shop whose names have the text in them.
func (c *call) extensions(query string) []extensionData {
	var found []extensionData
	for _, e := range c.tokenShop.Extensions {
		if strings.Contains(strings.ToLower(e.Name), strings.ToLower(strings.TrimSpace(query))) {
			found = append(found, c.extension(e))
		}
	}
	return found
}

func (c *call) extension(e Extension) extensionData {
	d := extensionData{Extension: e, Href: c.mount.prefix + "/" + c.tokenShop.Name + "/extensions/" + e.ID}
	if e.ID == KlarnaCheckoutV3 {
		d.Credentials = d.Href + "/credentials"
	}
	return d
}

func (s *Sandbox) extensionPage(c *call) *answer {
	e := c.tokenShop.extension(c.params["extension_id"])
	if e == nil {
		return c.missing()
	}
	v := c.shopView("mystore-extension", "Extensions", false)
	v.Title = e.Name
	v.Data = c.extension(*e)
	return c.show(http.StatusOK, v)
}

// pairView is the page Credentials with a Kustom ID in its field; nil when the extension has none.
func (c *call) pairView(kustomID string) *view {
	e := c.tokenShop.extension(c.params["extension_id"])
	if e == nil || e.ID != KlarnaCheckoutV3 {
		return nil
	}
	v := c.shopView("mystore-credentials", "Credentials", false)
	v.Data = pairData{c.extension(*e), kustomID, c.tokenShop.KustomSecret != "", c.tokenShop.UpdatedAt}
	return v
}

func (s *Sandbox) credentialsPage(c *call) *answer {
	v := c.pairView(c.tokenShop.KustomID)
	if v == nil {
		return c.missing()
	}
	if c.http.URL.Query().Get("saved") != "" {
		v.Status = v.say("ID and Secret updated")
	}
	return c.show(http.StatusOK, v)
}

func (s *Sandbox) saveCredentials(c *call) *answer {
	id, secret := c.form().Get("kustom_id"), c.form().Get("kustom_secret")
	v := c.pairView(id)
	if v == nil {
		return c.missing()
	}
	if wrong := wrongPair(id, secret); wrong != "" {
		v.Alert = v.say(wrong)
		return c.show(http.StatusUnprocessableEntity, v)
	}
	s.update(c.tokenShop, id, secret)
	return c.redirect("/" + c.tokenShop.Name + "/extensions/" + KlarnaCheckoutV3 + "/credentials?saved=1")
}

// wrongPair is what the page says of a pair that it does not take; empty when it does.
func wrongPair(id, secret string) string {
	switch {
	case id == "" && secret == "":
		return ""
	case id == "" || secret == "":
		return "Fill in both Kustom ID and Kustom Secret, or neither."
	case !tidy(id) || !tidy(secret):
		return "There is white space around Kustom ID or Kustom Secret."
	}
	return ""
}
