package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

const defaultStepTimeout = 30 * time.Second

// The names of the sites in labels.
const (
	portalSite  = "portal"
	mystoreSite = "mystore"
)

// browserModel is the block that reaches vendors by their web pages.
type browserModel struct {
	Executable    types.String `tfsdk:"executable"`
	MaxTabs       types.Int64  `tfsdk:"max_tabs"`
	Timeout       types.String `tfsdk:"timeout"`
	Labels        types.Map    `tfsdk:"labels"`
	DebugDir      types.String `tfsdk:"debug_dir"`
	MystoreLogins types.Map    `tfsdk:"mystore_logins"`
	PortalURL     types.String `tfsdk:"portal_url"`
	MystoreAdmins types.Map    `tfsdk:"mystore_admin_urls"`
	Attended      types.Bool   `tfsdk:"attended"`
	Profile       types.String `tfsdk:"profile"`
}

func browserBlock() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "Lets the provider use the vendors' web pages, if you have a login and no API token. The " +
			"browser shows no window. The block may be empty. The provider uses Kustom Portal's pages if `portal_token` " +
			"is not set, and a shop's pages if `mystore_tokens` has no token for the shop. It reads the sessions from " +
			"the environment variables `KUSTOM_PORTAL_SESSION` and `MYSTORE_SESSIONS` (a JSON object from shop name to " +
			"session). If these are not set, it uses the sessions that `terraform-provider-kustom login` keeps on this " +
			"machine. Needs Chromium or Chrome. See the guide *With only your logins*.",
		Attributes: map[string]schema.Attribute{
			"executable": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name or path of the browser. Default: the first of `chromium-headless-shell`, " +
					"`chrome-headless-shell`, `chromium`, `chromium-browser`, `google-chrome`, `google-chrome-stable` " +
					"and `chrome` in `PATH`. The first two have no windows and take half the time.",
			},
			"max_tabs": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "The maximum number of open tabs: 1 to 16, default 4. Each tab works on one store or shop " +
					"and needs about 100 MB of memory.",
			},
			"timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The maximum time of one step on a page, such as to load the page, as a duration " +
					"such as `30s` (default) or `1m`. After that, the step fails, and the error says what the provider " +
					"looked for.",
			},
			"labels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Words that a vendor has changed on the pages: a map from label, such as " +
					"`portal.generate_new` or `mystore.update_id_and_secret`, to the new word. If the provider can't " +
					"find something on a page, the error names its label. Default: the words that the provider knows.",
			},
			"profile": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path of a file that `terraform-provider-kustom check --teach` has written. It " +
					"describes pages that are built differently than the provider expects. The provider first looks for " +
					"what the file describes, and then for what it knows. The file holds no secret. It decides what the " +
					"provider clicks, so review it like your configuration. Default: no file. Can also be set with " +
					"`KUSTOM_BROWSER_PROFILE`.",
			},
			"debug_dir": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Folder for a picture of each page on which a step fails. Fields and dialogs are " +
					"blank in the picture. The provider creates the folder if it does not exist. Default: no pictures.",
			},
			"mystore_logins": schema.MapNestedAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "Logins to the shops' control panels: a map from shop name to login. The provider " +
					"uses a login if the shop's session is missing or has expired. May hold ephemeral values. Default: " +
					"no logins. Can also be set with `MYSTORE_LOGINS`, a JSON object.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"email": schema.StringAttribute{Required: true, Sensitive: true, MarkdownDescription: "The user's e-mail address."},
					"password": schema.StringAttribute{
						Required: true, Sensitive: true, MarkdownDescription: "The user's password.",
					},
					"code_seed": schema.StringAttribute{
						Optional: true, Sensitive: true,
						MarkdownDescription: "Seed of the user's one-time codes: the text that you would give to an " +
							"authenticator app. Leave it out if the user signs in without codes.",
					},
				}},
			},
			"portal_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Base URL of Kustom Portal's pages, if it differs from the environment's. Must be `https`, " +
					"or `http` for a loopback address. Can also be set with `KUSTOM_PORTAL_PAGES_URL`.",
			},
			"mystore_admin_urls": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Addresses of the shops' control panels: a map from shop name to address, such as " +
					"`https://www.my-shop.no/kontrollpanel`. Set it for each shop that has a domain, because the shop's control " +
					"panel is there. Default: `" + mystorepages.DefaultURL("<shop>") + "`, which is right for a shop without a " +
					"domain. Must be `https`, or `http` for a loopback address. Can also be set with `MYSTORE_ADMIN_URLS`, a " +
					"JSON object.",
			},
			"attended": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether you watch the run and confirm each click that changes something. Use it " +
					"for the first real shop. Default `false`. With `true`, the browser shows its windows. Before each " +
					"such click, a separate window names the site, page, step and button, and waits for *OK* or *Stop*. " +
					"*Stop* clicks nothing, and the step ends with an error. Needs a screen. Your time counts against " +
					"the `timeouts` of a resource.",
			},
		},
	}
}

// browserSettings are the block's resolved values.
type browserSettings struct {
	options   browser.Options
	portalURL *url.URL
	// admins are the addresses of control panels, by shop.
	admins map[string]*url.URL
	// unknownAdmins reports that addresses are not known yet.
	unknownAdmins bool
	// labels are the overriding words, by site and label.
	labels map[string]map[string]string
	// profile has the elements that users have pointed at; it may be nil.
	profile *browser.Profile
	// portalSession and shopSessions come from the environment.
	portalSession *browser.Session
	shopSessions  map[string]browser.Session
	logins        map[string]mystorepages.Login
	// unknownLogins reports that logins are not known yet.
	unknownLogins bool
}

// browser returns nil if there is no block.
func (r *resolver) browser(m *browserModel, environment *kustom.Environment) *browserSettings {
	if m == nil {
		return nil
	}
	var portalDefault string
	if environment != nil {
		portalDefault = environment.PagesURL()
	}
	s := &browserSettings{
		options: browser.Options{
			Executable: m.Executable.ValueString(), DebugDir: m.DebugDir.ValueString(),
			Attended: m.Attended.ValueBool(), MaxTabs: r.maxTabs(m.MaxTabs), Timeout: r.duration(m.Timeout, "browser.timeout", defaultStepTimeout),
		},
		portalURL:     r.url(m.PortalURL, "browser.portal_url", envPortalPagesURL, portalDefault),
		labels:        r.labels(m.Labels),
		profile:       r.profile(m.Profile),
		portalSession: r.portalSession(),
		shopSessions:  r.shopSessions(),
	}
	s.logins, s.unknownLogins = r.logins(m.MystoreLogins)
	s.admins, s.unknownAdmins = r.admins(m.MystoreAdmins)
	return s
}

// admins returns the addresses of control panels, by shop.
func (r *resolver) admins(v types.Map) (admins map[string]*url.URL, unknown bool) {
	if v.IsUnknown() {
		return nil, true
	}
	texts := map[string]string{}
	for shop, element := range v.Elements() {
		text, _ := element.(types.String)
		unknown = unknown || text.IsUnknown()
		texts[shop] = text.ValueString()
	}
	if len(v.Elements()) == 0 {
		raw := r.getenv(envMystoreAdmins)
		if raw != "" && (json.Unmarshal([]byte(raw), &texts) != nil || texts == nil) {
			r.add("browser.mystore_admin_urls", malformedAdminsVariable())
			return nil, unknown
		}
	}
	admins = map[string]*url.URL{}
	for shop, text := range texts {
		if !isShopName(shop) {
			r.add("browser.mystore_admin_urls", malformedAdminShop(shop))
			continue
		}
		if address := r.url(types.StringValue(text), "browser.mystore_admin_urls", envMystoreAdmins, ""); address != nil {
			admins[shop] = address
		}
	}
	return admins, unknown
}

// admin returns the address of a shop's control panel.
func (s *browserSettings) admin(shop string) (*url.URL, error) {
	if address, ok := s.admins[shop]; ok {
		return address, nil
	}
	if s.unknownAdmins {
		return nil, &unknownError{attribute: "browser.mystore_admin_urls"}
	}
	address, err := url.Parse(mystorepages.DefaultURL(shop))
	if err != nil {
		return nil, fmt.Errorf("the address of shop %s: %w", shop, err)
	}
	return address, nil
}

// maxTabs returns the number of tabs, or the default if the number is missing or out of range.
func (r *resolver) maxTabs(v types.Int64) int {
	if v.IsNull() || v.IsUnknown() {
		return defaultMaxTabs
	}
	if n := v.ValueInt64(); n < 1 || n > maxTabsLimit {
		r.add("browser.max_tabs", tabsOutOfRange(maxTabsLimit))
		return defaultMaxTabs
	}
	return int(v.ValueInt64())
}

// profile reads the file of browser.profile; nil if there is none.
func (r *resolver) profile(v types.String) *browser.Profile {
	file, _ := r.text(v, envProfile, "")
	if file == "" {
		return nil
	}
	profile, err := browser.ReadProfile(file, pageTables())
	if err != nil {
		r.add("browser.profile", unusableProfile(file, err.Error()))
	}
	return profile
}

// pageTables are the words of the sites, by the sites' names in labels.
func pageTables() map[string]browser.Table {
	return map[string]browser.Table{portalSite: portalpages.Table(), mystoreSite: mystorepages.Table()}
}

// labels returns the overriding words, by site.
func (r *resolver) labels(v types.Map) map[string]map[string]string {
	tables := pageTables()
	overridden := map[string]map[string]string{portalSite: {}, mystoreSite: {}}
	for name, element := range v.Elements() {
		word, _ := element.(types.String)
		if word.IsUnknown() {
			continue
		}
		site, label, _ := strings.Cut(name, ".")
		err := tables[site].Check(label, word.ValueString())
		switch {
		case errors.Is(err, browser.ErrNoWord):
			r.add("browser.labels", emptyLabel(name))
		case err != nil:
			r.add("browser.labels", unknownLabel(name, strings.Join(allLabels(tables), ", ")))
		default:
			overridden[site][label] = word.ValueString()
		}
	}
	return overridden
}

func allLabels(tables map[string]browser.Table) []string {
	var all []string
	for _, site := range slices.Sorted(maps.Keys(tables)) {
		for _, label := range tables[site].Labels() {
			all = append(all, site+"."+label)
		}
	}
	return all
}

// portalSession returns the session in the environment, or nil. It never quotes the variable's content. Even if it is malformed, it probably holds a session (I2).
func (r *resolver) portalSession() *browser.Session {
	line := r.getenv(envPortalSession)
	if line == "" {
		return nil
	}
	session, err := browser.ParseSession(line)
	if err != nil {
		r.add("browser", malformedSessionVariable())
		return nil
	}
	return &session
}

// shopSessions returns the sessions in the environment, by shop. It never quotes the variable's content either (I2).
func (r *resolver) shopSessions() map[string]browser.Session {
	raw := r.getenv(envMystoreSessions)
	if raw == "" {
		return nil
	}
	sessions := map[string]browser.Session{}
	var lines map[string]string
	bad := json.Unmarshal([]byte(raw), &lines) != nil || lines == nil
	for shop, line := range lines {
		session, err := browser.ParseSession(line)
		bad = bad || err != nil || !isShopName(shop)
		sessions[shop] = session
	}
	if bad {
		r.add("browser", malformedSessionsVariable())
		return nil
	}
	return sessions
}

// logins returns the logins of the configuration, or else of the environment, by shop.
func (r *resolver) logins(v types.Map) (logins map[string]mystorepages.Login, unknown bool) {
	if v.IsUnknown() {
		return nil, true
	}
	if v.IsNull() {
		return r.loginsFromEnvironment(), false
	}
	logins = map[string]mystorepages.Login{}
	for shop, element := range v.Elements() {
		login, known := readLogin(element)
		if !known {
			unknown = true
			continue
		}
		r.addLogin(logins, shop, login)
	}
	return logins, unknown
}

// readLogin reads an element of browser.mystore_logins. Known is false if a part of it is not known yet.
func readLogin(element attr.Value) (login mystorepages.Login, known bool) {
	object, isObject := element.(types.Object)
	if !isObject || object.IsUnknown() {
		return mystorepages.Login{}, false
	}
	part := func(name string) string {
		text, _ := object.Attributes()[name].(types.String)
		known = known && !text.IsUnknown()
		return text.ValueString()
	}
	known = true
	login = mystorepages.Login{Email: part("email"), Password: part("password"), CodeSeed: part("code_seed")}
	return login, known
}

// addLogin adds a complete login. It quotes nothing, because it may be a password (I2).
func (r *resolver) addLogin(logins map[string]mystorepages.Login, shop string, login mystorepages.Login) {
	if !isShopName(shop) || login.Email == "" || login.Password == "" {
		r.add("browser.mystore_logins", malformedLogin())
		return
	}
	logins[shop] = login
}

// loginsFromEnvironment returns the logins of the environment, by shop; nil if it has none.
func (r *resolver) loginsFromEnvironment() map[string]mystorepages.Login {
	raw := r.getenv(envMystoreLogins)
	if raw == "" {
		return nil
	}
	var parsed map[string]struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		CodeSeed string `json:"code_seed"`
	}
	if err := json.Unmarshal([]byte(raw), &parsed); err != nil || parsed == nil {
		r.add("browser.mystore_logins", malformedLoginsVariable())
		return nil
	}
	logins := map[string]mystorepages.Login{}
	for shop, login := range parsed {
		r.addLogin(logins, shop, mystorepages.Login{Email: login.Email, Password: login.Password, CodeSeed: login.CodeSeed})
	}
	return logins
}
