package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// adminDomain is the domain of the control panels' hosts. Browsers resolve it to this machine.
const adminDomain = ".localhost"

// mystoreDocuments are pages of the control panel without a function in the sandbox.
var mystoreDocuments = []string{"/", "/content", "/configuration", "/payment-methods", "/administrators", "/stock", "/extension-store"}

func mystorePagesMount() *mount {
	const extension = "/extensions/{extension_id}"
	m := &mount{
		api:      MystorePages,
		prefix:   mystorePagesPrefix,
		identify: identifySession,
		admit:    admitPage,
		refuse:   refusePage,
		signIn:   func(*call) string { return mystorePagesPrefix + "/login" },
		pages:    true,
		byHost:   true,
		routes: []*route{
			{method: http.MethodGet, template: "/login", handle: (*Sandbox).shopSignIn, page: page{open: true}},
			{method: http.MethodPost, template: "/login", handle: (*Sandbox).takePassword, page: page{open: true, again: (*Sandbox).shopSignIn}},
			{method: http.MethodGet, template: "/login/code", handle: (*Sandbox).codePage, page: page{open: true}},
			{method: http.MethodPost, template: "/login/code", handle: (*Sandbox).takeCode, page: page{open: true, again: (*Sandbox).codePage}},
			{method: http.MethodGet, template: "/login/{token}", handle: (*Sandbox).openLink, page: page{open: true}},
			{method: http.MethodGet, template: "/logout", handle: (*Sandbox).signOutOfShop},
			{method: http.MethodGet, template: "/extensions", handle: (*Sandbox).extensionsPage},
			{method: http.MethodGet, template: extension, handle: (*Sandbox).extensionPage},
			{method: http.MethodGet, template: extension + "/credentials", handle: (*Sandbox).credentialsPage},
			{method: http.MethodPost, template: "/data" + extension + "/credentials", handle: (*Sandbox).saveCredentials, page: page{data: true, again: (*Sandbox).stay}},
		},
	}
	for _, template := range mystoreDocuments {
		m.routes = append(m.routes, &route{method: http.MethodGet, template: template, handle: (*Sandbox).mystoreHome})
	}
	return m
}

// The initial data of the script of a shop's page.
type (
	shopBoot struct {
		bootData
		Page       string          `json:"page"`
		Path       string          `json:"path"`
		User       string          `json:"user"`
		Extensions []extensionData `json:"extensions,omitempty"`
		Extension  *extensionData  `json:"extension,omitempty"`
		KustomID   string          `json:"kustom_id"`
	}
	extensionData struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		// Credentials says that the extension has a page for credentials.
		Credentials bool `json:"credentials"`
	}
)

// hostShop returns the shop of a control panel's host, which is "<shop>.localhost" with or without "www."; nil if
// there is none.
func (s *Sandbox) hostShop(host string) *Shop {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name, ok := strings.CutSuffix(name, adminDomain)
	if !ok {
		return nil
	}
	return s.state.shopByName[strings.TrimPrefix(name, "www.")]
}

func (s *Sandbox) shopSignIn(c *call) *answer { return s.shopSignInPage(c, http.StatusOK, "") }

func (s *Sandbox) shopSignInPage(c *call, status int, alert string) *answer {
	if c.hostShop == nil {
		return s.missing(c)
	}
	fresh := c.session == nil
	if fresh {
		c.session = s.newSession(session{})
	}
	v := s.plain(c, "mystore-sign-in", "Log in to the control panel")
	if alert != "" {
		v.Alert = v.say(alert)
	}
	a := c.show(status, v)
	if fresh {
		a.setCookie(mystoreCookie, c.session.id, mystorePagesPrefix)
	}
	return a
}

// takePassword signs a user in. Its error does not say whether the address or the password was wrong.
func (s *Sandbox) takePassword(c *call) *answer {
	u := c.hostShop.user(strings.TrimSpace(c.form().Get("email")), c.form().Get("password"))
	if u == nil {
		return s.shopSignInPage(c, http.StatusUnprocessableEntity, "The email address or the password is wrong.")
	}
	if u.CodeSeed != "" {
		return s.beginSession(c, session{waiting: u, waitingShop: c.hostShop}, c.redirect("/login/code"))
	}
	return s.beginSession(c, session{shop: c.hostShop, email: u.Email}, c.redirect("/"))
}

// user returns the user with that address and password, or nil. A nil shop has none.
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
		return c.redirect("/login")
	}
	return c.show(http.StatusOK, s.plain(c, "mystore-code", "Multi-factor authentication"))
}

func (s *Sandbox) takeCode(c *call) *answer {
	u, sh := c.session.waiting, c.session.waitingShop
	if u == nil {
		return c.redirect("/login")
	}
	if !u.acceptsCode(strings.TrimSpace(c.form().Get("code")), s.now()) {
		v := s.plain(c, "mystore-code", "Multi-factor authentication")
		v.Alert = v.say("The one-time password is wrong, or no longer valid.")
		return c.show(http.StatusUnprocessableEntity, v)
	}
	return s.beginSession(c, session{shop: sh, email: u.Email}, c.redirect("/"))
}

func (s *Sandbox) signOutOfShop(c *call) *answer {
	s.endSession(c)
	return c.redirect("/login")
}

// shopPage returns one of the shop's pages.
func (s *Sandbox) shopPage(c *call, title, page string, fill func(*shopBoot)) *answer {
	boot := shopBoot{bootData: s.boot(c, mystorePagesPrefix+"/login"), Page: page, Path: c.path, User: c.session.email}
	fill(&boot)
	return s.shell(c, s.words(c).say(title), "mystore.js", boot)
}

func (s *Sandbox) mystoreHome(c *call) *answer {
	return s.shopPage(c, "Dashboard", "home", func(*shopBoot) {})
}

func (s *Sandbox) extensionsPage(c *call) *answer {
	return s.shopPage(c, "Your extensions", "extensions", func(b *shopBoot) {
		for _, e := range c.tokenShop.Extensions {
			b.Extensions = append(b.Extensions, e.data())
		}
	})
}

func (e Extension) data() extensionData {
	return extensionData{ID: e.ID, Name: e.Name, Credentials: e.ID == KlarnaCheckoutV3}
}

func (s *Sandbox) extensionPage(c *call) *answer { return s.oneExtensionPage(c, "extension") }

func (s *Sandbox) credentialsPage(c *call) *answer {
	if c.params["extension_id"] != KlarnaCheckoutV3 {
		return s.missing(c)
	}
	return s.oneExtensionPage(c, "credentials")
}

func (s *Sandbox) oneExtensionPage(c *call, page string) *answer {
	e := c.tokenShop.extension(c.params["extension_id"])
	if e == nil {
		return s.missing(c)
	}
	return s.shopPage(c, "Your extensions", page, func(b *shopBoot) {
		data := e.data()
		b.Extension = &data
		if data.Credentials {
			b.KustomID = c.tokenShop.KustomID
		}
	})
}

func (s *Sandbox) saveCredentials(c *call) *answer {
	var pair struct {
		KustomID     string `json:"kustom_id"`
		KustomSecret string `json:"kustom_secret"`
	}
	if c.params["extension_id"] != KlarnaCheckoutV3 || c.tokenShop.extension(KlarnaCheckoutV3) == nil {
		return s.missing(c)
	}
	if !c.read(&pair) {
		return c.refuseScript(http.StatusBadRequest, somethingWrong)
	}
	if wrong := wrongPair(pair.KustomID, pair.KustomSecret); wrong != "" {
		return c.refuseScript(http.StatusUnprocessableEntity, wrong)
	}
	s.update(c.tokenShop, pair.KustomID, pair.KustomSecret)
	return c.done()
}

// wrongPair returns the page's error about an invalid pair; empty if the pair is valid.
func wrongPair(id, secret string) string {
	switch {
	case id == "" && secret == "":
		return ""
	case id == "" || secret == "":
		return "Fill in both Kustom ID and Kustom Secret, or neither."
	case !isTrimmed(id) || !isTrimmed(secret):
		return "There is white space around Kustom ID or Kustom Secret."
	}
	return ""
}
